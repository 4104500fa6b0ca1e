/**
 * Client libraries that are not jars, as a new user gets them: kazoo from PyPI, the C client from Debian's packages. They land in
 * the git-ignored cache and are installed nowhere.
 */

import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cached, run } from "./artifacts.ts";

/** The newest kazoo, and the one that Debian has. */
export const kazooVersions = ["2.11.0", "2.8.0"] as const;
export type KazooVersion = (typeof kazooVersions)[number];

/** Environment in which Python finds kazoo of that version. */
export function withKazoo(version: KazooVersion): Readonly<Record<string, string>> {
  const library = cached(`kazoo-${version}`, (folder) => {
    run("python3", ["-m", "pip", "install", "--quiet", "--target", folder, `kazoo==${version}`]);
  });
  return { PYTHONPATH: library, PYTHONDONTWRITEBYTECODE: "1" };
}

/** Where the C client's parts lie. */
export interface CLibrary {
  readonly headers: string;
  readonly libraries: string;
  /** `cli_mt`, the client's shell. */
  readonly shell: string;
}

export function cLibrary(): CLibrary {
  const usr = join(cached("c-library", unpackCLibrary), "root", "usr");
  const platform = readdirSync(join(usr, "lib")).find((name) => name.endsWith("-linux-gnu")) ?? "";
  return {
    headers: join(usr, "include"),
    libraries: join(usr, "lib", platform),
    shell: join(usr, "lib", "zookeeper", "bin", "cli_mt"),
  };
}

function unpackCLibrary(folder: string): void {
  const packages = ["zookeeper-bin", "libzookeeper-mt2", "libzookeeper-mt-dev"];
  chmodSync(folder, 0o777); // apt-get downloads as a user of its own
  try {
    run("apt-get", ["download", ...packages], folder);
  } catch {
    run("apt-get", ["update"]);
    run("apt-get", ["download", ...packages], folder);
  }
  mkdirSync(join(folder, "root"));
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".deb"))) {
    run("dpkg", ["-x", join(folder, file), join(folder, "root")]);
  }
}

/**
 * A program on the C client, compiled once for each content of its sources.
 * @param files sources and headers.
 * @returns path of the program, which finds the library by itself.
 * @throws Error with the compiler's output.
 */
export function compiledC(name: string, files: readonly string[]): string {
  const { headers, libraries } = cLibrary();
  const linking = ["-L", libraries, `-Wl,-rpath,${libraries}`, "-l:libzookeeper_mt.so.2"];
  return compiled(name, files, ["-pthread", "-DTHREADED", "-I", headers, ...linking]);
}

/**
 * A library that stands before the C library of whoever has it in LD_PRELOAD, compiled once for each content of its source.
 * @throws Error with the compiler's output.
 */
export function compiledPreload(name: string, file: string): string {
  return compiled(`${name}.so`, [file], ["-shared", "-fPIC"]);
}

/** @param words for the compiler, behind the sources. */
function compiled(name: string, files: readonly string[], words: readonly string[]): string {
  const mark = createHash("sha256");
  for (const file of files) mark.update(readFileSync(file));
  const folder = cached(`programs/${name}-${mark.digest("hex").slice(0, 12)}`, (target) => {
    const units = files.filter((file) => file.endsWith(".c"));
    run("gcc", ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-o", join(target, name), ...units, ...words]);
  });
  return join(folder, name);
}
