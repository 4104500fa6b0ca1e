/**
 * Everything that a server shows of a folder which it has just opened, so that two servers' openings of equal folders can
 * be compared as a whole: last zxid, sessions, ephemerals, counts, remembered digests, the tree through the client port, and
 * the snapshot that a start writes, read byte by byte: its sessions, its table of ACLs, its znodes and its digest.
 */

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { TestServer } from "../reference/server.ts";
import { filesOf, readSnapshot, type SnapshotContent, zxidOfName } from "./files.ts";
import { dumpTree, type ZnodeDump } from "./tree-dump.ts";

export interface Opening {
  readonly zxid: bigint;
  /** Ids of the open sessions, sorted. */
  readonly sessions: readonly string[];
  /** `session path`, sorted. */
  readonly ephemerals: readonly string[];
  /** What `mntr` counts in the database. */
  readonly figures: Readonly<Record<string, string>>;
  readonly snapshot: SnapshotContent;
  readonly tree: readonly ZnodeDump[];
  /** `zxid: digest`, as the server remembers them. */
  readonly digests: ReadonlyMap<string, string>;
}

/** How long ours may take for the snapshot that it writes in the background. */
const snapshotTimeoutMs = 10_000;

const figureNames: ReadonlySet<string> = new Set([
  "zk_znode_count",
  "zk_ephemerals_count",
  "zk_approximate_data_size",
  "zk_global_sessions",
  "zk_digest_mismatches_count",
]);

/** Looks at a server that has just started and that nobody has connected to yet. */
export async function openingOf(server: TestServer): Promise<Opening> {
  const zxid = zxidOf(await server.fourLetterWord("srvr"));
  const dump = await server.fourLetterWord("dump");
  const figures = figuresOf(await server.fourLetterWord("mntr"));
  const { content: snapshot } = await snapshotAt(server.dataFolder, zxid);
  const digests = digestsOf(await server.fourLetterWord("hash"));
  const tree = await dumpTree(server.port);
  return { zxid, sessions: sessionsOf(dump), ephemerals: ephemeralsOf(dump), figures, snapshot, tree, digests };
}

/**
 * Expects that two openings are the same, as far as both tell: each server remembers digests of other zxids, and the
 * reference writes none into a snapshot when it replayed nothing.
 */
export function expectSameOpening(found: Opening, expected: Opening, where: string): void {
  expect(comparable(found), where).toEqual(comparable(expected));
  for (const [zxid, digest] of found.digests) {
    expect(digest, `${where}: digest at zxid 0x${zxid}`).toBe(expected.digests.get(zxid) ?? digest);
  }
  const digests = [found.snapshot.digest, expected.snapshot.digest].filter(({ zxid }) => zxid !== "0x0");
  if (digests.length === 2) expect(digests[0], `${where}: digest of the snapshot`).toEqual(digests[1]);
}

/** All but the digests and what is allowed to differ in a snapshot. */
function comparable({ snapshot, ...opening }: Opening): object {
  return {
    ...opening,
    digests: null,
    snapshot: { ...snapshot, digest: null, isOpenAclListed: null, unusedAclCount: 0 },
  };
}

/** The last zxid that `srvr` reports. */
export function zxidOf(srvr: string): bigint {
  return BigInt(/^Zxid: (0x[0-9a-f]+)$/m.exec(srvr)?.[1] ?? -1);
}

function figuresOf(mntr: string): Record<string, string> {
  const pairs = mntr.split("\n").map((line) => line.split("\t"));
  return Object.fromEntries(pairs.filter(([name]) => figureNames.has(name ?? "")));
}

/** The lines between two titles of `dump`. */
function sectionOf(dump: string, from: string, to: string): string[] {
  const start = dump.indexOf(from);
  return dump.slice(start, dump.indexOf(to, start)).split("\n").slice(1);
}

function sessionsOf(dump: string): string[] {
  const lines = sectionOf(dump, "SessionTracker dump:", "ephemeral nodes dump:");
  return lines
    .filter((line) => line.startsWith("\t0x"))
    .map((line) => line.trim())
    .sort();
}

function ephemeralsOf(dump: string): string[] {
  const found: string[] = [];
  let session = "";
  for (const line of sectionOf(dump, "Sessions with Ephemerals", "Connections dump:")) {
    if (line.startsWith("\t")) found.push(`${session} ${line.trim()}`);
    else session = line;
  }
  return found.sort();
}

function digestsOf(hash: string): Map<string, string> {
  const pairs = hash.split("\n").map((line) => line.split(": "));
  return new Map(pairs.filter((pair) => pair.length === 2) as [string, string][]);
}

/** The snapshot that is named after the zxid; it is complete as soon as it can be read. */
export async function snapshotAt(
  dataFolder: string,
  zxid: bigint,
): Promise<{ name: string; content: SnapshotContent }> {
  const deadline = Date.now() + snapshotTimeoutMs;
  for (;;) {
    const name = filesOf(dataFolder, "snapshot").find((candidate) => zxidOfName(candidate) === zxid);
    try {
      if (name !== undefined) return { name, content: readSnapshot(join(dataFolder, "version-2", name)) };
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    if (Date.now() > deadline) throw new Error(`no snapshot at zxid 0x${zxid.toString(16)} in ${dataFolder}`);
    await delay(10);
  }
}
