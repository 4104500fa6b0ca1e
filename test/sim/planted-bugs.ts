/**
 * Mistakes that others have made, or that we might, each as a change of our sources: what tells a simulator that finds bugs from
 * one that finds none. `npm run sim -- --plant NAME` runs with one of them in place; `--plants` tries them all and prints
 * planted-bugs.md anew. Nothing of this is in the product: a source is changed as it is loaded.
 */

import { registerHooks } from "node:module";

interface Edit {
  /** Below src/. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly from: string;
  readonly to: string;
}

export interface PlantedBug {
  readonly name: string;
  /** Where it happened: ZooKeeper's issues, or "" when it is our own fear. */
  readonly like: string;
  readonly about: string;
  readonly edits: readonly Edit[];
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: "ack-before-durable",
    like: "ZOOKEEPER-2247",
    about: "a learner acknowledges what its log was handed and has not written",
    edits: [
      {
        file: "server/replica.ts",
        from: "    if (this.#receiver === null) this.store.append(bytes, start, end);",
        to: `    if (this.#receiver === null) {
      this.store.append(bytes, start, end);
      const zxidAt = start + zxidInTxnHeader;
      this.onLogged(asDurable({ zxidHigh: readInt32(bytes, zxidAt), zxidLow: readInt32(bytes, zxidAt + 4) }));
    }`,
      },
    ],
  },
  {
    name: "one-ack-commits",
    like: "",
    about: "a leader commits what any one member has",
    edits: [
      {
        file: "quorum/broadcast.ts",
        from: "      if (!this.#views.hasQuorums(this.#hasSought)) continue;\n",
        to: "",
      },
    ],
  },
  {
    name: "disk-error-ignored",
    like: "ZOOKEEPER-4203, 4882",
    about: "a log whose write fails counts it as written and goes on",
    edits: [{ file: "storage/txn-log.ts", from: "    if (error !== null) this.#fail(error);\n    else ", to: "    " }],
  },
  {
    name: "newleader-acked-early",
    like: "ZOOKEEPER-3911, 4646",
    about: "NEWLEADER is acknowledged before what came behind it is on disk",
    edits: [
      {
        file: "quorum/learning.ts",
        from: "    this.#output.persist(this.mode, (history) => {\n",
        to: `    this.#ackNewLeader(this.#epoch as never);
    this.link.resume();
    this.#output.persist(this.mode, (history) => {
`,
      },
    ],
  },
  {
    name: "epoch-before-history",
    like: "ZOOKEEPER-4643, 4785",
    about: "currentEpoch is written before the transactions that the epoch begins with are on disk",
    edits: [
      {
        file: "quorum/learning.ts",
        from: "    this.#output.persist(this.mode, (history) => {\n      this.#isTreeBroken = false;",
        to: `    this.#output.storeCurrentEpoch(this.#epoch, "history" as never, () => {});
    this.#output.persist(this.mode, (history) => {
      this.#isTreeBroken = false;`,
      },
      {
        file: "server/replica.ts",
        from: "    else this.#onFiles(() => this.store.flushed(), finished);",
        to: "    else this.#onFiles(async () => {}, finished);",
      },
    ],
  },
  {
    name: "tree-not-persisted",
    like: "ZOOKEEPER-3642",
    about: "a tree that came whole stays in memory, and what is logged follows the old one",
    edits: [{ file: "server/replica.ts", from: "    await this.store.replaceDisk();\n", to: "" }],
  },
  {
    name: "no-truncation",
    like: "ZOOKEEPER-1154",
    about: "a member that logged more than was committed is sent a DIFF",
    edits: [
      {
        file: "quorum/learner-sync-plan.ts",
        from: '{ kind: "trunc", zxid: last }',
        to: '{ kind: "diff", zxid: last, fromIndex: committedCount }',
      },
    ],
  },
  {
    name: "tail-of-an-older-epoch",
    like: "ZOOKEEPER-2832",
    about: "a member whose last transaction the leader never had is sent what lies behind it",
    edits: [
      {
        file: "quorum/learner-sync-plan.ts",
        from: '  if (!isEpochStart && zxidAt(window, behind - 1) !== learnerZxid) return { kind: "snap" };\n',
        to: "",
      },
    ],
  },
  {
    name: "empty-diff",
    like: "ZOOKEEPER-1319, 4352",
    about: "a member that has nothing is sent an empty DIFF",
    edits: [
      { file: "quorum/learner-sync-plan.ts", from: "  if (isInStep)", to: "  if (isInStep || learnerZxid === 0n)" },
    ],
  },
  {
    name: "log-without-the-learner",
    like: "ZOOKEEPER-2846",
    about: "a learner is sent the log's files though its own last transaction is not in them",
    edits: [{ file: "server/log-sync.ts", from: "    return isFound && isJoined;", to: "    return isJoined;" }],
  },
  {
    name: "truncated-in-the-log-only",
    like: "ZOOKEEPER-5094",
    about: "the log is cut, the tree in memory is not",
    edits: [
      {
        file: "server/replica.ts",
        from: "        await this.#reload();\n        isDone = this.store.isExact && isCut;\n",
        to: "        isDone = isCut;\n",
      },
    ],
  },
  {
    name: "snapshots-above-the-cut",
    like: "ZOOKEEPER-1549, 4837",
    about: "a role's end takes a snapshot of what was never committed, and truncation leaves it",
    edits: [
      { file: "storage/txn-log-truncate.ts", from: "  await removeAll(disk, snapshotFolder, snapshots);\n", to: "" },
      {
        file: "server/replica.ts",
        from: "        await this.#applyAll();\n",
        to: "        await this.#applyAll();\n        await this.store.snapshots.take();\n",
      },
    ],
  },
  {
    name: "snapshot-while-a-role-ends",
    like: "ZOOKEEPER-1549",
    about: "a snapshot that is being written when a role ends gets what was never committed",
    edits: [
      { file: "server/snapshot-taker.ts", from: "    if (this.isRevoked) throw new SnapshotRevoked();\n", to: "" },
      {
        file: "server/replica.ts",
        from: "        isDone = this.store.isExact && isCut;\n",
        to: "        isDone = isCut;\n",
      },
    ],
  },
  {
    name: "tree-behind-the-log",
    like: "ZOOKEEPER-2845",
    about: "the vote speaks of the tree in memory, which lags the log",
    edits: [{ file: "server/replica.ts", from: "        await this.#applyAll();\n", to: "" }],
  },
  {
    name: "commits-before-uptodate",
    like: "ZOOKEEPER-4394, 4685",
    about: "a commit between NEWLEADER and UPTODATE is lost",
    edits: [
      {
        file: "quorum/learning.ts",
        from: "this.#serve();\n        else this.#takeTxn(packet);",
        to: "this.#serve();\n        else if (packet.type !== PacketType.commit) this.#takeTxn(packet);",
      },
    ],
  },
  {
    name: "sessions-move-freely",
    like: "ZOOKEEPER-2926",
    about: "a request of a session that another server has taken over is carried out",
    edits: [
      {
        file: "session/session-tracker.ts",
        from: "    return this.owner === owner ? ErrorCode.ok : ErrorCode.sessionMoved;",
        to: "    return ErrorCode.ok;",
      },
    ],
  },
  {
    name: "creates-of-a-closing-session",
    like: "ZOOKEEPER-1208",
    about: "a session that is being closed may still create",
    edits: [
      {
        file: "session/session-tracker.ts",
        from: "    if (this.isClosing) return ErrorCode.sessionExpired;\n    this.owner",
        to: "    this.owner",
      },
    ],
  },
  {
    name: "half-shut-down",
    like: "ZOOKEEPER-4541, 4712",
    about: "a role's end does not wait for what its log still has under way",
    edits: [
      {
        file: "server/replica.ts",
        from: "        await this.store.flushed();\n        this.#receiver = null;",
        to: "        this.#receiver = null;",
      },
    ],
  },
  {
    name: "epochs-used-twice",
    like: "ZOOKEEPER-335",
    about: "the epoch that a member accepted is forgotten by a crash",
    edits: [
      {
        file: "storage/epoch-files.ts",
        from: "    await this.#write(acceptedName, epoch);\n    await writeTemporary(",
        to: "    await writeTemporary(",
      },
    ],
  },
  {
    name: "service-without-a-quorum",
    like: "ZOOKEEPER-3911",
    about: "a leader serves before a quorum has acknowledged NEWLEADER",
    edits: [
      {
        file: "quorum/leading.ts",
        from: " || !this.views.hasQuorums((sid) => this.#newLeaderAckers.has(sid))) return;\n",
        to: ") return;\n",
      },
    ],
  },
  {
    name: "sync-behind-everything",
    like: "",
    about: "a learner hears of a sync behind commits that were not asked for before it",
    edits: [
      {
        file: "quorum/broadcast.ts",
        from: "      if (this.#syncs.length > 0) this.#answerSyncs(txn);\n    }",
        to: "    }\n    if (this.#syncs.length > 0) this.#answerSyncs(window.at(window.committedCount - 1));",
      },
    ],
  },
  {
    name: "stale-sync",
    like: "ZOOKEEPER-1675",
    about: "a leader answers its own clients' syncs from what it has applied",
    edits: [
      {
        file: "pipeline/prepared-writes.ts",
        from: "    if (this.#proposed === null) return false;\n",
        to: "    if (this.#proposed !== null) return false;\n    if (this.#proposed === null) return false;\n",
      },
    ],
  },
  {
    name: "change-by-old-members",
    like: "",
    about: "a change of the members is committed by a quorum of the old ones alone",
    edits: [
      {
        file: "quorum/quorum-verifier.ts",
        from: "this.#isQuorum(this.committed, isIn) && (!this.isChanging || this.#isQuorum(this.lastSeen, isIn))",
        to: "this.#isQuorum(this.committed, isIn)",
      },
    ],
  },
  {
    name: "epoch-by-old-members",
    like: "3.9.5",
    about: "while the members change, the old ones alone elect a leader and accept its epoch",
    edits: [
      {
        file: "quorum/leader-election.ts",
        from: "    return this.#views.hasQuorums((sid) => agrees(vote, votes.get(sid)));",
        to: "    return this.#views.committed.hasQuorum((sid) => agrees(vote, votes.get(sid)));",
      },
      {
        file: "quorum/epoch-agreement.ts",
        from: "this.#views.hasQuorums((sid) => sids.has(sid))",
        to: "this.#views.committed.hasQuorum((sid) => sids.has(sid))",
      },
    ],
  },
  {
    name: "commits-after-hand-over",
    like: "",
    about: "a leader that a change has replaced goes on committing",
    edits: [
      {
        file: "quorum/broadcast.ts",
        from: "while (!this.#isHandedOver && this.#seekQuorum())",
        to: "while (this.#seekQuorum())",
      },
    ],
  },
  {
    name: "half-done-change-kept",
    like: "",
    about: "a server goes on by a change that it has seen and that came to nothing",
    edits: [
      {
        file: "quorum/configurations.ts",
        from: "config.version === this.views.lastSeen.version",
        to: "config.version <= this.views.lastSeen.version",
      },
    ],
  },
  {
    name: "change-not-kept",
    like: "",
    about: "a committed change of the members counts until the next start",
    edits: [
      {
        file: "server/ensemble-member.ts",
        from: "    this.#files.storeCommitted(config, !this.views.isChanging);\n",
        to: "",
      },
    ],
  },
  {
    name: "change-of-another-version",
    like: "",
    about: "a change of the members is made of whatever configuration is in force, not of the one that it names",
    edits: [
      {
        file: "quorum/reconfiguration.ts",
        from: "request.curConfigId !== -1n && request.curConfigId !== lastSeen.version",
        to: "request.curConfigId < -1n",
      },
    ],
  },
  {
    name: "idle-learners-cut-off",
    like: "",
    about: "a learner is cut off for not acknowledging what it was never asked to",
    edits: [
      {
        file: "quorum/subscriber.ts",
        from: "    if (this.unackedSinceMs === Number.POSITIVE_INFINITY) return;\n",
        to: "",
      },
    ],
  },
  {
    name: "ended-sessions-taken-for-local",
    like: "",
    about: "what was on its way when a session of the ensemble ended is carried out as a learner's own session's",
    edits: [
      {
        file: "pipeline/prepared-writes.ts",
        from: "    return idHigh >>> 24 !== sidByte && !ended.has(idHigh, idLow);\n",
        to: "    return idHigh >>> 24 !== sidByte && ended !== null;\n",
      },
    ],
  },
  {
    name: "first-address-alone",
    like: "",
    about: "of several addresses of a server the first is the one that others connect to",
    edits: [
      { file: "net/addresses.ts", from: "  let pending = addresses.length;\n", to: "  let pending = 1;\n" },
      {
        file: "net/addresses.ts",
        from: "  for (const { host, port } of addresses) {\n",
        to: "  for (const { host, port } of addresses.slice(0, 1)) {\n",
      },
    ],
  },
  {
    name: "votes-into-a-dark-network",
    like: "",
    about: "a vote that is not answered is waited for over the same connection, whatever has become of its network",
    edits: [
      {
        file: "net/election-port.ts",
        from: "vote.state === ServerState.looking && this.#addressesOf(sid).length > 1",
        to: "vote.state === ServerState.looking && this.#isClosed",
      },
    ],
  },
  {
    name: "word-kept",
    like: "",
    about: "what the oracle has once granted counts until the server's end",
    edits: [
      {
        file: "server/ensemble-member.ts",
        from: "    return { grants: () => disk.peek(path, 1)?.[0] === granted };\n",
        to: "    let isGranted = false;\n    return { grants: () => (isGranted ||= disk.peek(path, 1)?.[0] === granted) };\n",
      },
    ],
  },
  {
    name: "leader-alone-not-followed",
    like: "",
    about: "who comes back does not follow a leader that the oracle has left alone",
    edits: [
      {
        file: "quorum/leader-election.ts",
        from: "vote.leader === sid && this.#views.isOtherByOracle",
        to: "vote.leader === sid && this.#views.isAloneByOracle",
      },
    ],
  },
  {
    name: "leader-serves-no-observers",
    like: "",
    about: "an observer that is to be served by followers waits for one that does, and never asks the leader",
    edits: [
      {
        file: "quorum/master-search.ts",
        from: "    if (this.#isLeadersTurn) {",
        to: "    if (false) {",
      },
    ],
  },
];

/** The bug of that name. @throws Error that names them all. */
export function plantedBug(name: string): PlantedBug {
  const found = plantedBugs.find((bug) => bug.name === name);
  if (found !== undefined) return found;
  throw new Error(`--plant ${name}: there are ${plantedBugs.map((bug) => bug.name).join(", ")}`);
}

/** Has every module that is loaded from now on changed. */
export function plant({ edits }: PlantedBug): void {
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      const own = edits.filter(({ file }) => url.endsWith(`/src/${file}`));
      if (own.length === 0) return loaded;
      const { source } = loaded;
      const text = typeof source === "string" ? source : Buffer.from(source as Uint8Array).toString();
      return { ...loaded, source: own.reduce(edited, text) };
    },
  });
}

/** @throws Error when the text has changed since: a bug that is not planted would never be found. */
export function edited(text: string, { file, from, to }: Edit): string {
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`src/${file} has ${parts.length - 1} times what is to be changed:\n${from}`);
  return parts.join(to);
}
