/**
 * A start from files in memory, what it leads to, and whether that means anything: state that was loaded can be written again, as a
 * snapshot or as a log, and loads as the same state.
 */

import { readFileSync } from "node:fs";
import { CorruptionError } from "#base/errors.ts";
import { compareHalves, hexOfHalves } from "#base/zxid.ts";
import { Database, loadDatabase, type LoadedDatabase } from "#server/database.ts";
import { RecoveryError } from "#storage/recovery.ts";
import { writeSnapshot } from "#storage/snapshot-file.ts";
import { TreeSnapshotSource } from "#tree/snapshot-source.ts";
import { TreeWalker } from "#tree/tree-walker.ts";
import { rootId, StatField } from "#tree/znode-store.ts";
import { logHeader, MemoryLogger, record } from "../storage/builders.ts";
import { HeldTimers } from "../support/held-timers.ts";
import { MemoryDisk } from "../support/memory-disk.ts";
import { dumpTree, expectAclsCounted, expectCountsRight } from "../support/tree-dump.ts";
import { stoppedClock } from "./server-bench.ts";
import { demand, OracleError } from "./target.ts";

export const folder = "/d/version-2";
/** What a real ZooKeeper wrote of a tree that has nothing yet. */
export const emptySnapshot: Buffer = readFileSync(
  new URL("../fixtures/disk/empty/version-2/snapshot.0", import.meta.url),
);
/** Calls of the disk for a start, beside one for each so many bytes: whoever makes more goes round in circles. */
const callsMax = 2_000;
const bytesPerCall = 16;

export const treeOptions = { hashSeed: 7, digestEnabled: true, extendedTypesEnabled: true, emulate353TtlNodes: false };

export function newDatabase(): Database {
  return new Database(treeOptions, 2000, stoppedClock);
}

export interface Start extends LoadedDatabase {
  /** Transactions that were replayed. */
  readonly txns: readonly Buffer[];
}

/** What a refusal has to name. */
export type Refusal = CorruptionError | RecoveryError;

/** A disk with those files in its folder. */
export function diskWith(files: Readonly<Record<string, Uint8Array>>): MemoryDisk {
  const disk = new MemoryDisk(true);
  for (const [name, bytes] of Object.entries(files)) disk.put(`${folder}/${name}`, bytes);
  return disk;
}

/** Starts from a disk. @returns what was loaded, or why it was refused; anything else is thrown on. */
export async function startFrom(disk: MemoryDisk): Promise<Start | Refusal> {
  const txns: Buffer[] = [];
  const logger = new MemoryLogger();
  const sizeBytes = disk.names(folder).reduce((sum, name) => sum + disk.get(`${folder}/${name}`).length, 0);
  let calls = 0;
  disk.onCall = () => {
    if (++calls > callsMax + sizeBytes / bytesPerCall) throw new OracleError(`${calls} calls for ${sizeBytes} bytes`);
    return "ok";
  };
  try {
    const loaded = await loadDatabase({
      disk,
      clock: stoppedClock,
      timers: new HeldTimers(),
      threads: null,
      logger,
      tickTimeMs: 2000,
      dataDir: "/d",
      dataLogDir: "/d",
      isDatadirAutocreate: true,
      isEmptySnapshotTrusted: false,
      isDbAutocreate: true,
      tree: treeOptions,
      onReplayed: (bytes, start, end) => txns.push(Buffer.from(bytes.subarray(start, end))),
    });
    return { ...loaded, txns };
  } catch (error) {
    checkRefusal(error, disk, logger);
    return error;
  } finally {
    demand(disk.openFiles === 0, "a file is left open");
  }
}

/** A start is refused by an error that says where to look. */
function checkRefusal(error: unknown, disk: MemoryDisk, logger: MemoryLogger): asserts error is Refusal {
  if (error instanceof RecoveryError) {
    // What was wrong with each of the snapshots has been said.
    const isOfFiles = error.message.startsWith("Not able to find valid snapshots");
    const isSaid = logger.lines.some(({ level, facts }) => level === "warn" && "path" in facts && "offset" in facts);
    demand(!isOfFiles || isSaid, "nobody says which file is to blame");
    return;
  }
  if (!(error instanceof CorruptionError)) throw error;
  const { path, offset } = error.facts;
  demand(
    path.startsWith(`${folder}/`) && disk.names(folder).includes(path.slice(folder.length + 1)),
    `no such file: ${path}`,
  );
  demand(Number.isSafeInteger(offset) && offset >= 0, `offset ${offset}`);
  demand(!error.message.includes("\n"), "more than one line");
}

/** Everything that a state holds, as text. */
export function stateOf({ tree, sessions }: Database): string {
  const lines = Object.entries(dumpTree(tree)).map((entry) => entry.join(" "));
  const restored = [...sessions.committed()].map(
    ({ idHigh, idLow, timeoutMs }) => `${hexOfHalves(idHigh, idLow)} ${timeoutMs}`,
  );
  const { digest } = tree;
  return [...lines.sort(), ...restored.sort(), hexOfHalves(digest.high, digest.low)].join("\n");
}

/** What must hold for a state that came of whatever files. */
export async function checkState(start: Start): Promise<void> {
  const { database, recovery } = start;
  expectCountsRight(database.tree);
  expectAclsCounted(database.tree);
  const { lastZxidHigh, lastZxidLow } = database.tree;
  demand(
    recovery.lastZxidHigh === lastZxidHigh && recovery.lastZxidLow === lastZxidLow,
    `recovery ends at ${hexOfHalves(recovery.lastZxidHigh, recovery.lastZxidLow)}, the tree at ${hexOfHalves(lastZxidHigh, lastZxidLow)}`,
  );
  await checkSnapshot(database);
}

/** A snapshot of a state is that state. */
export async function checkSnapshot(database: Database): Promise<void> {
  recountOverwritten(database);
  const state = stateOf(database);
  // What a fuzzy snapshot holds beyond its zxid is left to the log, which is not there.
  if (hasLaterZnodes(database)) return;
  const again = await startFrom(await snapshotOf(database));
  if (again instanceof Error) throw new OracleError(`its snapshot is refused: ${again.message}`);
  demand(again.database.applier.digestMismatchCount === 0, "its snapshot has another digest");
  demand(stateOf(again.database) === state, "its snapshot is another state");
}

/** A start counts totals of quotas anew; what a client has written over them stays until then. */
function recountOverwritten({ tree }: Database): void {
  for (const target of tree.quotas.paths) {
    const path = Buffer.from(`/zookeeper/quota${target}/zookeeper_stats`, "latin1");
    const id = tree.find(path, 0, path.length);
    if (id === 0) continue;
    const [mzxid, czxid, mtime, ctime] = [StatField.mzxid, StatField.czxid, StatField.mtime, StatField.ctime].map(
      (field) => hexOfHalves(tree.store.stat(id, field), tree.store.statLow(id, field)),
    );
    const isAsCreated = mzxid === czxid && mtime === ctime && tree.store.stat(id, StatField.version) === 0;
    if (!isAsCreated) tree.quotas.recount(target);
  }
}

function hasLaterZnodes({ tree }: Database): boolean {
  const { store, lastZxidHigh, lastZxidLow } = tree;
  const walker = new TreeWalker(tree, rootId);
  let isFound = false;
  for (let id = walker.next(); id !== 0; id = walker.next()) {
    const czxidHigh = store.stat(id, StatField.czxid);
    if (compareHalves(czxidHigh, store.statLow(id, StatField.czxid), lastZxidHigh, lastZxidLow) > 0) isFound = true;
  }
  walker.close();
  return isFound;
}

/** A snapshot of a state, on a disk of its own. */
async function snapshotOf(database: Database): Promise<MemoryDisk> {
  const disk = new MemoryDisk(true);
  await disk.makeFolder(folder);
  const source = new TreeSnapshotSource(database.tree, (visit) => {
    for (const { idHigh, idLow, timeoutMs } of database.sessions.committed()) visit(idHigh, idLow, timeoutMs);
  });
  await writeSnapshot(source, { disk, folder, compression: "none", hasDigest: true, hasLastZxid: true });
  return disk;
}

/** A log of those transactions. */
export function logOf(txns: readonly Buffer[]): Buffer {
  return Buffer.concat([logHeader, ...txns.map((txn) => record(txn))]);
}
