/**
 * The data folders that ZooKeeper's own tests keep: files of releases from 3.1 on, whole, truncated, mixed up and too large. They
 * are in no jar, only in the archive of the sources that every release puts beside its pom on Maven Central; it
 * is fetched when a test needs it and unpacked into the git-ignored cache.
 */

import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cached, run } from "../reference/artifacts.ts";

const release = "3.9.5";
const insideArchive = `parent-${release}/zookeeper-server/src/test/resources/data`;

/** Folder of the folders: `invalidsnap`, `buffersize`, `upgrade`. */
export function oldFiles(): string {
  const folder = cached(`source-data-${release}`, (target) => {
    const artifact = `org.apache.zookeeper:parent:${release}:zip:source-release`;
    run("mvn", ["-q", "-B", "dependency:copy", `-Dartifact=${artifact}`, `-DoutputDirectory=${target}`]);
    const archive = join(target, `parent-${release}-source-release.zip`);
    run("jar", ["xf", archive, insideArchive], target);
    rmSync(archive);
  });
  return join(folder, insideArchive);
}

/** Copies the named files into a data folder's `version-2`. */
export function putFiles(from: string, names: readonly string[], dataFolder: string): void {
  const version2 = join(dataFolder, "version-2");
  mkdirSync(version2, { recursive: true });
  for (const name of names) copyFileSync(join(from, name), join(version2, name));
}

/** Names of the snapshots and logs in a folder. */
export function namesIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => /^(snapshot|log)\./.test(name));
}
