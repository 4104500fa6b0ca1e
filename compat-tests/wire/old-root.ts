/**
 * A data folder as it is after years: a snapshot in which ZooKeeper's own znodes have been changed so often that their
 * counters are about to pass the largest int, or have passed it. Everything that clients create hangs below these.
 *
 *   snapshot   "ZKSN" version=2 dbId=-1 | sessions: count | ACL lists: count, each number and list | znodes | "/" | checksum
 *   znode      path | data | number of its ACL list | czxid mzxid ctime mtime version cversion aversion owner pzxid
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { adler32 } from "../disk/files.ts";
import { buffer, int, long, record, ustring, vector } from "./bytes.ts";

const largestInt = 2_147_483_647;

interface Counters {
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
}

const young: Counters = { version: 0, cversion: 0, aversion: 0 };

const znodes: readonly (readonly [path: string, counters: Counters])[] = [
  ["", { version: largestInt - 3, cversion: largestInt - 60, aversion: largestInt - 3 }],
  ["/zookeeper", { version: -4, cversion: -8, aversion: -4 }],
  ["/zookeeper/quota", young],
  ["/zookeeper/config", young],
];

/** Number of the ACL list that opens a znode to everybody. */
const openList = 1n;

/** Writes the snapshot into the data folder of a server that has not been started yet. */
export function putOldSnapshot(dataFolder: string): void {
  const folder = join(dataFolder, "version-2");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "snapshot.0"), oldSnapshot());
}

function oldSnapshot(): Buffer {
  const everybody = record(int(31), ustring("world"), ustring("anyone"));
  const body = record(
    record(Buffer.from("ZKSN"), int(2), long(-1n)),
    int(0),
    record(int(1), long(openList), vector([everybody])),
    ...znodes.map(([path, counters]) => znode(path, counters)),
    ustring("/"),
  );
  return record(body, long(adler32(body)), ustring("/"));
}

function znode(path: string, { version, cversion, aversion }: Counters): Buffer {
  const stat = record(
    ...[0n, 0n, 0n, 0n].map((value) => long(value)),
    ...[version, cversion, aversion].map((value) => int(value)),
    long(0n),
    long(0n),
  );
  return record(ustring(path), buffer(Buffer.alloc(0)), long(openList), stat);
}
