/**
 * Where the outside judges come from: jars by Maven, each set fetched once into the git-ignored folder `.reference/`.
 *
 *   .reference/server/lib      Apache ZooKeeper 3.9.5, its console and its libraries     pom.xml
 *   .reference/client-3.8/lib  the Java client of the line before                        pom-client-3.8.xml
 *   .reference/NAME/lib        further sets: see `poms`
 *
 * A set whose pom has changed is fetched anew. It is made in a temporary folder and renamed into place, so a half-fetched set is never used and two runs at once
 * do no harm. `ZOOKEEPER_HOME`, when set, replaces the first: an unpacked distribution with `lib/`.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the repository. */
export const repositoryFolder: string = fileURLToPath(new URL("../..", import.meta.url));

/** Git-ignored; everything in it can be made again. */
export const cacheFolder: string = join(repositoryFolder, ".reference");

/** The pom of each set of jars. */
const poms = {
  server: "pom.xml",
  "server-3.8": "pom-server-3.8.xml",
  "client-3.8": "pom-client-3.8.xml",
  "client-3.4": "pom-client-3.4.xml",
  curator: "pom-curator.xml",
  kafka: "pom-kafka.xml",
  "zookeeper-suite": "pom-zookeeper-suite.xml",
  "curator-suite": "pom-curator-suite.xml",
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
  const pom = fileURLToPath(new URL(poms[set], import.meta.url));
  const copy = join(cacheFolder, set, "pom.xml");
  const isStale = existsSync(copy) && !readFileSync(copy).equals(readFileSync(pom));
  if (isStale) rmSync(join(cacheFolder, set), { recursive: true });
  const folder = cached(set, (target) => {
    copyFileSync(pom, join(target, "pom.xml"));
    run("mvn", [
      "-q",
      "-B",
      "-f",
      pom,
      "dependency:copy-dependencies",
      "-DincludeScope=runtime",
      `-DoutputDirectory=${join(target, "lib")}`,
    ]);
    if (readdirSync(join(target, "lib")).length === 0) throw new Error(`Maven copied no jar for ${set}`);
  });
  return join(folder, "lib", "*");
}

/** Words for a JVM that lives for seconds: quick start, little memory. */
export const quickStart: readonly string[] = [
  "-Xmx256m",
  "-XX:+UseSerialGC",
  "-XX:TieredStopAtLevel=1",
  "-Xshare:auto",
];

/**
 * Class path of Java sources compiled against a set of jars: compiled once for each content of sources and of the
 * set's pom.
 * @throws Error with the compiler's output.
 */
export function compiledJava(set: JarSet, sources: readonly string[]): string {
  const mark = createHash("sha256").update(readFileSync(new URL(poms[set], import.meta.url)));
  for (const source of sources) mark.update(readFileSync(source));
  const jars = classPath(set);
  const classes = cached(`classes/${set}-${mark.digest("hex").slice(0, 12)}`, (folder) => {
    run("javac", ["-nowarn", "-encoding", "UTF-8", "-d", folder, "-cp", jars, ...sources]);
  });
  return `${classes}${delimiter}${jars}`;
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
export function isInstalled(program: string, ...words: readonly string[]): boolean {
  try {
    execFileSync(program, words, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
