/**
 * Names of the files in version-2, and the zxid that a name carries.
 *
 *   log.<hex>                 the zxid of the file's first record
 *   snapshot.<hex>[.gz|.snappy]   the zxid that the tree had reached when the snapshot was begun
 *   tmp.snapshot.<hex>...     ours only: a snapshot being written
 *
 * A name is split at its dots. Its first part must be the kind, its second a hexadecimal number; what follows is
 * ignored, save that the last part of a snapshot's name says how it is compressed. So `log.100.fixed` is log 0x100 and
 * `snapshot.5.tmp` is snapshot 5, for ZooKeeper and for us. Our own temporary name starts with another word for that
 * reason: neither side can take an unfinished snapshot for a snapshot.
 * Source: Util.java, SnapStream.java.
 */

import { compareHalves, hexOfHalves } from "#base/zxid.ts";
import type { SnapshotCompression } from "./snapshot-compression.ts";

/** A file of ours, with the zxid of its name. */
export interface NamedFile {
  readonly name: string;
  readonly path: string;
  readonly zxidHigh: number;
  readonly zxidLow: number;
}

const temporaryPrefix = "tmp.";
const hexadecimal = /^[0-9a-f]+$/i;

export function logFileName(zxidHigh: number, zxidLow: number): string {
  return `log.${hexOfHalves(zxidHigh, zxidLow)}`;
}

export function snapshotFileName(zxidHigh: number, zxidLow: number, compression: SnapshotCompression): string {
  const suffix = compression === "none" ? "" : `.${compression}`;
  return `snapshot.${hexOfHalves(zxidHigh, zxidLow)}${suffix}`;
}

/** The name under which a snapshot is written until it is complete. */
export function temporaryNameOf(snapshotName: string): string {
  return temporaryPrefix + snapshotName;
}

/** Whether the name is one that {@link temporaryNameOf} gives. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(temporaryPrefix) && parseFileName(name.slice(temporaryPrefix.length), "snapshot") !== null;
}

/** How a snapshot of this name is compressed: by its last extension; any that is not known means not at all. */
export function compressionOfName(name: string): SnapshotCompression {
  const extension = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return extension === "gz" || extension === "snappy" ? extension : "none";
}

/** The zxid of a name of this kind, or null when the name is not one. */
export function parseFileName(name: string, kind: "log" | "snapshot"): { zxidHigh: number; zxidLow: number } | null {
  const [first, second] = name.split(".");
  if (first !== kind || second === undefined || !hexadecimal.test(second)) return null;
  const digits = second.replace(/^0+/, "");
  if (digits.length > 16) return null;
  const zxidLow = Number.parseInt(digits.slice(-8) || "0", 16) | 0;
  const zxidHigh = Number.parseInt(digits.slice(0, -8) || "0", 16) | 0;
  return zxidHigh < 0 ? null : { zxidHigh, zxidLow };
}

/** The files of a kind among a folder's names, lowest zxid first. */
export function filesOfKind(folder: string, names: readonly string[], kind: "log" | "snapshot"): NamedFile[] {
  const files: NamedFile[] = [];
  for (const name of names) {
    const zxid = parseFileName(name, kind);
    if (zxid !== null) files.push({ name, path: `${folder}/${name}`, ...zxid });
  }
  return files.sort(
    (a, b) => compareHalves(a.zxidHigh, a.zxidLow, b.zxidHigh, b.zxidLow) || (a.name < b.name ? -1 : 1),
  );
}
