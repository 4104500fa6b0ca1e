/**
 * Files that earlier releases wrote, and that their bugs and crashes left, as ZooKeeper's own tests keep them: ours makes
 * the same of them as the reference and its tools, the same tree or the same refusal.
 *
 *   invalidsnap   a database of 2009: snapshots with and without /zookeeper, with null data, one that is broken in the middle,
 *                 and logs that do not all belong together
 *   upgrade       files of the format before this one
 *   buffersize    znodes of 5000 bytes, which a small jute.maxbuffer must not keep from being read
 */

import { join } from "node:path";
import { expect, test } from "vitest";
import { type ServerSettings, subject } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { namesIn, oldFiles, putFiles } from "./old-files.ts";
import { readingOf, refused } from "./reading.ts";
import { runTool } from "./tools.ts";
import type { ZnodeDump } from "./tree-dump.ts";

const files = oldFiles();
const invalidsnap = join(files, "invalidsnap", "version-2");
const upgrade = join(files, "upgrade");

interface Folder {
  readonly what: string;
  readonly from: string;
  readonly names: readonly string[];
  readonly settings?: Omit<ServerSettings, "folder">;
}

function folder(from: string, ...names: string[]): Folder {
  return { what: names.join(" and "), from, names };
}

const snapshots = ["snapshot.0", "snapshot.272", "snapshot.273", "snapshot.639", "snapshot.83f"];
const logs = namesIn(invalidsnap).filter((name) => name.startsWith("log."));
const trusting = { config: { "snapshot.trust.empty": "true" } };

const folders: readonly Folder[] = [
  ...snapshots.map((name) => folder(invalidsnap, name)),
  { what: "the folder invalidsnap", from: invalidsnap, names: namesIn(invalidsnap) },
  folder(invalidsnap, "snapshot.0", "snapshot.272", ...logs),
  folder(invalidsnap, "snapshot.639", ...logs),
  folder(invalidsnap, "snapshot.0", "log.1"),
  folder(invalidsnap, "snapshot.272", "log.1"),
  folder(invalidsnap, "snapshot.0", "log.42"),
  ...logs.map((name) => ({ ...folder(invalidsnap, name), what: `${name}, trusted`, settings: trusting })),
  { what: "the folder upgrade", from: upgrade, names: namesIn(upgrade) },
  ...namesIn(upgrade).map((name) => folder(upgrade, name)),
  ...["create", "set", "snapshot"].map((name) => ({ ...bufferSize(name), what: `the folder buffersize/${name}` })),
];

function bufferSize(name: string): Folder {
  const from = join(files, "buffersize", name, "version-2");
  return folder(from, ...namesIn(from));
}

function readingBy(build: "ours" | "reference", { from, names, settings }: Folder): Promise<string> {
  return readingOf(build, (dataFolder) => putFiles(from, names, dataFolder), settings);
}

test.each(folders)("$what: read, or refused, as by the reference", async (one) => {
  const [found, expected] = await Promise.all([readingBy(subject, one), readingBy("reference", one)]);
  expect(found).toBe(expected);
});

const behindGap = ["log.274", "log.63b"].map((name) => folder(invalidsnap, "snapshot.0", name));

test.each(behindGap)("log-behind-a-gap: the reference reads $what, ours refuses", async (one) => {
  expect(await readingBy("reference", one)).not.toBe(refused);
  if (subject === "ours") expect(await readingBy("ours", one)).toBe(refused);
});

test.each(["create", "set", "snapshot"])(
  "txns-beyond-jute-maxbuffer: the reference refuses buffersize/%s, ours reads what was acknowledged",
  async (name) => {
    const one = bufferSize(name);
    const small = { ...one, settings: { properties: { "jute.maxbuffer": 1000 } } };
    expect(await readingBy("reference", small)).toBe(refused);
    if (subject === "ours") expect(await readingBy("ours", small)).toBe(await readingBy("reference", one));
  },
);

test.each(snapshots)("%s: SnapshotFormatter prints the znodes that a server shows", async (name) => {
  const [tool, reading] = await Promise.all([
    timed("reference", () => runTool("SnapshotFormatter", "-d", join(invalidsnap, name))),
    readingBy(subject, folder(invalidsnap, name)),
  ]);
  if (tool.exitCode !== 0) {
    expect(reading).toBe(refused);
    return;
  }
  expect(reading).toContain('"path":"/"');
  const printed = tool.output.split("----\n").filter((block) => block.startsWith("/"));
  const lines = reading.split("\n").filter((line) => line.startsWith("{"));
  const shown = lines.map((line) => formatted(JSON.parse(line) as ZnodeDump));
  expect(shown.sort()).toEqual(printed.sort());
});

/** A znode as SnapshotFormatter -d prints it. */
function formatted({ path, data, stat }: ZnodeDump): string {
  const created = (stat.cversion + stat.numChildren) / 2;
  return [
    path,
    `  cZxid = ${padded(stat.czxid)}`,
    `  ctime = ${javaDate(stat.ctime)}`,
    `  mZxid = ${padded(stat.mzxid)}`,
    `  mtime = ${javaDate(stat.mtime)}`,
    `  pZxid = ${padded(stat.pzxid)}`,
    `  cversion = ${created}`,
    `  dataVersion = ${stat.version}`,
    `  aclVersion = ${stat.aversion}`,
    `  ephemeralOwner = ${padded(stat.ephemeralOwner)}`,
    `  data = ${data ?? ""}\n`,
  ].join("\n");
}

/** Java's %#016x. */
function padded(hex: string): string {
  return `0x${hex.slice(2).padStart(14, "0")}`;
}

/** `Tue Mar 31 12:00:00 UTC 2009`. */
function javaDate(timeMs: number): string {
  const [week, day, month, year, time] = new Date(timeMs).toUTCString().replace(",", "").split(" ");
  return `${week} ${month} ${day} ${time} UTC ${year}`;
}

test.each(namesIn(invalidsnap).filter((name) => name.startsWith("log.")))(
  "%s: TxnLogToolkit reads as far as a server does",
  async (name) => {
    const one = { ...folder(invalidsnap, name), settings: trusting };
    const [tool, reading] = await Promise.all([
      timed("reference", () => runTool("TxnLogToolkit", join(invalidsnap, name))),
      readingBy(subject, one),
    ]);
    expect(tool.exitCode).toBe(0);
    const zxids = [...tool.output.matchAll(/ zxid (0x[0-9a-f]+) /g)].map(([, zxid]) => zxid);
    expect([zxids.at(-1), refused]).toContain(reading.split("\n")[0]);
  },
);
