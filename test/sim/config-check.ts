/**
 * What must hold of the members' configurations when all is mended and everybody serves, whatever has become of changes on the way:
 *
 *   committed   each goes by the configuration that the last change has made; by the first one where there is no change
 *   last seen   none has seen another one than that: no change is half done
 *   znode       /zookeeper/config says the same
 *   files       and so does what the next start reads
 *
 * And at every moment, of a voter that looks for a leader: it knows of each change that its log has. It may be elected for that
 * transaction, and would go by the old members.
 *
 * A change that was answered with success is in the log (replay.ts): it is that one, or one before it. And each in the log is what
 * was asked for, made of the configuration before it. Texts are compared, as they are in the transactions.
 *
 * A change may be in nobody's log and count all the same: it is written to files before it is logged, so that a loss of power may leave it
 * there alone, and whoever leads next completes what it has seen, as ZooKeeper's leader does.
 */

import { hexOfHalves, longOf } from "#base/zxid.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { configPath } from "#tree/system-znodes.ts";
import { StatField } from "#tree/znode-store.ts";
import { type CommittedTxn, configIn, errorIn, hex } from "../history/committed-txn.ts";
import type { Call } from "../history/conversation.ts";
import type { Request } from "../support/requests.ts";
import type { SimMember } from "./sim-member.ts";

const reconfig = 16;
const badVersion = -103;

export interface ConfigRules {
  /** Lines of the first configuration, but for its version. */
  readonly membersText: string;
  /** Whether an ensemble gives its first configuration a version, that of an epoch. */
  readonly isReconfigEnabled: boolean;
  /** What was completed and is in nobody's log, in their order. */
  readonly completed: readonly Completed[];
  /** Members that could not write their files, which costs them no more than that. */
  readonly unwritten: ReadonlySet<number>;
}

/** A configuration that members went by without a transaction. */
export interface Completed {
  readonly version: bigint;
  readonly text: string;
}

/** Where a member has a configuration, which one that is, and which one it should be. */
interface Place {
  readonly name: string;
  readonly is: string;
  readonly shouldBe: string;
}

/** @returns which member has another configuration than it should, and where; null when none has. */
export function configProblem(
  log: readonly CommittedTxn[],
  members: readonly SimMember[],
  rules: ConfigRules,
): string | null {
  const change = log.findLast(({ type }) => type === reconfig);
  const completed = rules.completed.at(-1);
  const isCompletedLast = completed !== undefined && completed.version > (change?.zxid ?? 0n);
  const logged = change === undefined ? firstConfig(members[0]!, rules) : configIn(change).toString();
  const expected = isCompletedLast ? completed.text : logged;
  for (const member of members) {
    const files = rules.unwritten.has(member.sid) ? [] : inFiles(member, expected);
    const wrong = [...inMemory(member, expected), ...files].find(({ is, shouldBe }) => is !== shouldBe);
    if (wrong === undefined) continue;
    const { name, is, shouldBe } = wrong;
    return `configuration of member ${member.sid}, ${name}: ${JSON.stringify(is)}, and it should be ${JSON.stringify(shouldBe)}`;
  }
  return null;
}

/** The first members, at the version that this member has: where they may be changed, that of an epoch. */
function firstConfig({ server }: SimMember, { membersText, isReconfigEnabled }: ConfigRules): string {
  const epoch = server!.views.committed.version >> 32n;
  const version = isReconfigEnabled ? (epoch || 1n) << 32n : 0n;
  return `${membersText}\nversion=${version.toString(16)}`;
}

function inMemory({ server, database }: SimMember, expected: string): Place[] {
  const { committed, lastSeen } = server!.views;
  return [
    { name: "committed", is: committed.text, shouldBe: expected },
    { name: "last seen", is: lastSeen.text, shouldBe: expected },
    { name: "znode", is: configZnode(database.tree).text, shouldBe: expected },
  ];
}

/** @returns which change a voter that looks for a leader has in its tree, and has not seen; null when there is none. */
export function unseenChange({ sid, server, isIntroduced }: SimMember): string | null {
  if (isIntroduced || !server?.replica) return null;
  const { committed, lastSeen } = server.views;
  if (!committed.isVoter(BigInt(sid))) return null;
  const { text, high, low } = configZnode(server.replica.database.tree);
  // The first one has the version of an epoch, and no transaction.
  if (low === 0) return null;
  const version = hexOfHalves(high, low);
  if (longOf(high, low) <= lastSeen.version || !text.endsWith(`\nversion=${version}`)) return null;
  return `member ${sid} has change 0x${version} in its tree, and has seen 0x${lastSeen.version.toString(16)} last`;
}

/** What /zookeeper/config holds, and its mzxid: that is the version, unless somebody has written it by hand. */
function configZnode(tree: DataTree): { readonly text: string; readonly high: number; readonly low: number } {
  const id = tree.find(configPath, 0, configPath.length);
  if (id === 0) return { text: "", high: 0, low: 0 };
  const { store } = tree;
  const at = store.dataOffset(id);
  const text = store.nameBuffer(id).toString("utf8", at, at + store.stat(id, StatField.dataLength));
  return { text, high: store.stat(id, StatField.mzxid), low: store.statLow(id, StatField.mzxid) };
}

/** The file's name has the version, and the file has not. */
function inFiles({ keptConfig: { committed, next } }: SimMember, expected: string): Place[] {
  const lines = expected.split("\n").sort();
  const version = lines.find((line) => line.startsWith("version="))!;
  const members = lines.filter((line) => line !== version).join("\n");
  const ending = version === "version=0" ? "" : `.dynamic.${version.slice("version=".length)}`;
  return [
    { name: "file", is: committed.file, shouldBe: `/conf/zoo.cfg${ending}` },
    { name: "text of the file", is: committed.text, shouldBe: members },
    ...(next === null ? [] : [{ name: "file of what was seen last", is: next, shouldBe: lines.join("\n") }]),
  ];
}

/**
 * Each change of the log makes what its client asked for, of the version that it named if it named any; none was refused for a version
 * that was right. @throws Error for the first of which that is not so.
 */
export function checkChanges(
  log: readonly CommittedTxn[],
  calls: readonly Call[],
  { membersText, completed }: Pick<ConfigRules, "membersText" | "completed">,
): void {
  const asked = new Map(calls.map(({ session, xid, request }) => [`${session} ${xid}`, request]));
  let lines: readonly string[] = membersText.split("\n");
  let version: bigint | null = null;
  const left = [...completed];
  for (const txn of log) {
    while (left.length > 0 && left[0]!.version < txn.zxid) {
      const { text, version: next } = left.shift()!;
      lines = text.split("\n").slice(0, -1);
      version = next;
    }
    const request = asked.get(`${txn.session} ${txn.cxid}`);
    if (request?.op !== "reconfig") continue;
    const { curConfigId = -1n } = request;
    const isOther = curConfigId !== -1n && curConfigId !== version;
    if (errorIn(txn) === badVersion && version !== null && !isOther) {
      throw new Error(`${hex(txn.zxid)} refused the version that was in force`);
    }
    if (txn.type !== reconfig) continue;
    // Before the first change it is that of an epoch.
    if (isOther && (version !== null || (curConfigId & 0xffffffffn) !== 0n)) {
      throw new Error(`${hex(txn.zxid)} is no change of ${hex(curConfigId)}`);
    }
    lines = linesAfter(request, lines);
    version = txn.zxid;
    const expected = [...lines, `version=${version.toString(16)}`].sort().join("\n");
    const made = configIn(txn).toString().split("\n").sort().join("\n");
    if (made !== expected)
      throw new Error(`${hex(txn.zxid)} made ${JSON.stringify(made)} of ${JSON.stringify(expected)}`);
  }
}

function linesAfter(
  { newMembers, joining, leaving }: Request & { readonly op: "reconfig" },
  lines: readonly string[],
): readonly string[] {
  if (newMembers !== undefined) return newMembers.split("\n");
  const bySid = new Map(lines.map((line) => [sidIn(line), line]));
  for (const sid of listed(leaving)) bySid.delete(sid);
  for (const line of listed(joining)) bySid.set(sidIn(line), line);
  return [...bySid.values()];
}

function listed(text = ""): string[] {
  return text.split(",").filter((piece) => piece !== "");
}

/** server.SID=... */
function sidIn(line: string): string {
  return line.slice("server.".length, line.indexOf("="));
}
