/**
 * The build: dist/, what is published. Everything the server needs is in it, so that the package has no dependencies.
 *
 *   nodekeeper.js          the command: checks the version of Node, then loads main.js
 *   main.js, server.js     main.ts, and all that a start loads in one piece (rolldown-runtime.js is its glue)
 *   snapshot-thread.js     the program of the thread that reads a snapshot
 *   console.js, check.js   and the like: what main.ts imports on demand, with the packages that only they need
 *   THIRD-PARTY-LICENSES   the licences of the packages inside, which ask to travel with every copy
 *
 * A start reads four files instead of over a hundred: that is most of the difference between this and `node src/main.ts`.
 */

import { chmodSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ChunkingContext, InputOptions, OutputOptions, Plugin } from "rolldown";

const folder = fileURLToPath(new URL(".", import.meta.url));
const entry = join(folder, "src", "main.ts");
const { engines } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { engines: { node: string } };
const oldestNode = Number.parseInt(engines.node.replace(/\D+/, ""), 10);

/**
 * ECMAScript 5 but for import(): an older Node must come as far as the message. Compiled code is kept in the user's own
 * folder; Node's default lies below the temporary folder, where whoever comes first can leave code for others.
 */
const launcher = `#!/usr/bin/env node
"use strict";
if (parseInt(process.versions.node, 10) < ${oldestNode}) {
  console.error("nodekeeper needs Node.js ${oldestNode} or later; " + process.execPath + " is " + process.versions.node + ".");
  process.exit(1);
}
var cache = process.env.XDG_CACHE_HOME || (process.env.HOME && process.env.HOME + "/.cache");
if (cache) process.getBuiltinModule("module").enableCompileCache(cache + "/nodekeeper");
import("./main.js");
`;

function launch(): Plugin {
  return {
    name: "launcher",
    generateBundle() {
      this.emitFile({ type: "asset", fileName: "nodekeeper.js", source: launcher });
    },
    writeBundle({ dir }) {
      chmodSync(join(dir ?? "dist", "nodekeeper.js"), 0o755);
    },
  };
}

/** Collects the licence texts of the packages whose modules are in the bundle. */
function licences(): Plugin {
  return {
    name: "licences",
    generateBundle() {
      const packages = new Set(Array.from(this.getModuleIds(), packageFolder).filter((path) => path !== null));
      const texts = new Set([...packages].sort().map(licenceText));
      this.emitFile({
        type: "asset",
        fileName: "THIRD-PARTY-LICENSES",
        source: [...texts].join(`\n${"-".repeat(80)}\n\n`),
      });
    },
  };
}

function packageFolder(moduleId: string): string | null {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(moduleId)?.[0] ?? null;
}

function licenceText(path: string): string {
  const { name, version } = JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Record<string, string>;
  const file = readdirSync(path).find((file) => /^licen[cs]e\b/i.test(file));
  if (file === undefined) throw new Error(`${name} is bundled and ${path} has no licence file`);
  return `${name} ${version}\n\n${readFileSync(join(path, file), "utf8").trim()}\n`;
}

type Config = InputOptions & { output: OutputOptions };

let startModules: ReadonlySet<string> | null = null;

/** The modules that a start loads go together; the rest is split where main.ts imports it on demand. */
function chunkOf(moduleId: string, context: ChunkingContext): string | null {
  startModules ??= staticImports(context);
  return startModules.has(moduleId) ? "server" : null;
}

function staticImports(context: ChunkingContext): Set<string> {
  const found = new Set<string>([entry]);
  for (const id of found) for (const next of context.getModuleInfo(id)?.importedIds ?? []) found.add(next);
  // The entry is a chunk of its own: in a group it would become two.
  found.delete(entry);
  return found;
}

/** A thread's program is a file of its own, with all it needs: it starts without loading the server. */
const threadConfig: Config = {
  input: { "snapshot-thread": join(folder, "src", "snapshot-thread.ts") },
  platform: "node",
  output: { dir: "dist", format: "esm", sourcemap: false, comments: false },
};

const mainConfig: Config = {
  input: { main: entry },
  platform: "node",
  plugins: [launch(), licences()],
  preserveEntrySignatures: false,
  output: {
    dir: "dist",
    cleanDir: true,
    format: "esm",
    chunkFileNames: "[name].js",
    sourcemap: false,
    comments: false,
    codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: chunkOf, debugName: "server" }] },
  },
};

const configs: Config[] = [mainConfig, threadConfig];

export default configs;
