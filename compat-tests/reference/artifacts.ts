/**
 * Where the outside judges come from: jars by Maven, each set fetched once into the git-ignored folder `.reference/`.
 *
 *   .reference/server/lib      Apache ZooKeeper 3.9.5, its console and its libraries     pom.xml
 *   .reference/client-3.8/lib  the Java client of the line before                        pom-client-3.8.xml
 *   .reference/curator/lib     Curator                                                   pom-curator.xml
 *
 * A set is made in a temporary folder and renamed into place, so a half-fetched set is never used and two runs at once
 * do no harm. `ZOOKEEPER_HOME`, when set, replaces the first: an unpacked distribution with `lib/`.
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the repository. */
export const repositoryFolder: string = fileURLToPath(new URL("../..", import.meta.url));

/** Git-ignored; everything in it can be made again. */
export const cacheFolder: string = join(repositoryFolder, ".reference");

/** The pom of each set of jars. */
const poms = {
  server: "pom.xml",
  "client-3.8": "pom-client-3.8.xml",
  curator: "pom-curator.xml",
} as const;

export type JarSet = keyof typeof poms;

/**
 * Class path of a set of jars, fetched on first use.
 * @throws Error with the output of Maven when the set cannot be had.
 */
export function classPath(set: JarSet): string {
  const home = process.env["ZOOKEEPER_HOME"];
  if (set === "server" && home !== undefined && home !== "") {
    return [join(home, "conf"), join(home, "lib", "*"), join(home, "*")].join(":");
  }
  const folder = cached(set, (target) => {
    run("mvn", [
      "-q",
      "-B",
      "-f",
      fileURLToPath(new URL(poms[set], import.meta.url)),
      "dependency:copy-dependencies",
      "-DincludeScope=runtime",
      `-DoutputDirectory=${join(target, "lib")}`,
    ]);
    if (readdirSync(join(target, "lib")).length === 0) throw new Error(`Maven copied no jar for ${set}`);
  });
  return join(folder, "lib", "*");
}

/**
 * Folder `name` of the cache, made by `make` in a temporary folder when it is absent.
 * @returns its path.
 */
export function cached(name: string, make: (folder: string) => void): string {
  const target = join(cacheFolder, name);
  if (existsSync(target)) return target;
  const temporary = `${target}.making-${process.pid}`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  make(temporary);
  mkdirSync(dirname(target), { recursive: true });
  if (existsSync(target)) rmSync(temporary, { recursive: true });
  else renameSync(temporary, target);
  return target;
}

/**
 * Runs a program to its end.
 * @returns what it printed on stdout.
 * @throws Error with both outputs when it cannot be run or fails.
 */
export function run(program: string, words: readonly string[], folder: string = repositoryFolder): string {
  try {
    return execFileSync(program, words, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const output = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${words.join(" ")} failed: ${output.stdout ?? ""}${output.stderr ?? ""}`, {
      cause: error,
    });
  }
}

/** True when a program answers on this machine. */
export function isInstalled(program: string, versionWord: string): boolean {
  try {
    execFileSync(program, [versionWord], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Why the reference cannot be run here, or null when it can. */
export function whyNoReference(): string | null {
  if (!isInstalled("java", "-version")) return "no JVM (java) was found";
  const home = process.env["ZOOKEEPER_HOME"];
  if (home !== undefined && home !== "") return existsSync(home) ? null : `ZOOKEEPER_HOME=${home} does not exist`;
  if (existsSync(join(cacheFolder, "server"))) return null;
  return isInstalled("mvn", "-version") ? null : "no Maven (mvn) was found";
}
