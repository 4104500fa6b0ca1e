/**
 * The house rules as assertions over the source tree. Each rule is a row: what it says, an example that breaks it, and
 * how offences are found. The example is put to the rule too, so that no rule can fall asleep. The reasons stand in
 * src/ARCHITECTURE.md.
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/** The layers from the bottom up: an import points to a lower row, never up and never sideways. */
const layers: readonly (readonly string[])[] = [
  ["base", "host"],
  ["jute"],
  ["protocol"],
  ["tree", "session", "auth"],
  ["pipeline", "quorum"],
  ["storage", "net"],
  ["config", "server"],
  ["admin", "cli", "main", "snapshot-thread"],
];

/** What a process or a thread is started with. */
const programs = new Set(["main.ts", "snapshot-thread.ts"]);

/** Sideways, yet allowed. */
const sideways = new Set([
  "host base",
  "tree auth",
  "tree session",
  "session auth",
  "session tree",
  "server config",
  "main admin",
  "main cli",
]);

/** Downwards, yet never. */
const forbidden = new Set(["quorum tree", "quorum session", "quorum auth"]);

/** No sockets, no files, no clock, no dice, no waiting. */
const pureFolders = new Set(["base", "jute", "protocol", "auth", "tree", "session", "pipeline", "quorum"]);

/** What a pure layer may take from outside: calculation, no input or output. */
const pureImports: Readonly<Record<string, readonly string[]>> = {
  "node:zlib": ["base"],
  "node:crypto": ["auth", "base"],
};

const fileLinesMax = 600;

const worldModules =
  /^node:(net|dgram|tls|fs|fs\/promises|http|http2|https|timers|timers\/promises|worker_threads|child_process|dns|dns\/promises)$/;
const worldCalls =
  /\b(Date\.now|performance\.now|Math\.random|randomBytes|randomInt|randomUUID|setTimeout|setInterval|setImmediate|new Date\(\))/;

interface Source {
  /** From src/, with slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and string contents blanked, line by line the same. */
  readonly code: string;
  readonly folder: string;
  readonly imports: readonly string[];
  /** Imports that are still there when the program runs: `import type` is not. */
  readonly loads: readonly string[];
}

interface Rule {
  readonly says: string;
  /** Files that break it: path, then text. */
  readonly broken: Readonly<Record<string, string>>;
  readonly find: (file: Source, all: readonly Source[]) => string[];
}

const rules: readonly Rule[] = [
  {
    says: "every folder has its place among the layers",
    broken: { "utils/things.ts": "" },
    find: (file) => (levelOf(file.folder) === -1 ? [`unknown folder ${file.folder}`] : []),
  },
  {
    says: "imports point down the layers",
    broken: { "tree/data-tree.ts": 'import { TxnLog } from "#storage/txn-log.ts";' },
    find: (file) =>
      crossings(file).filter(
        (target) => levelOf(target) >= levelOf(file.folder) && !sideways.has(`${file.folder} ${target}`),
      ),
  },
  {
    says: "quorum orders opaque transactions: it knows no tree, session or identity",
    broken: { "quorum/leader.ts": 'import { DataTree } from "#tree/data-tree.ts";' },
    find: (file) => crossings(file).filter((target) => forbidden.has(`${file.folder} ${target}`)),
  },
  {
    says: "storage and net do not see each other",
    broken: { "net/client-port.ts": 'import { TxnLog } from "#storage/txn-log.ts";' },
    find: (file) => crossings(file).filter((target) => [file.folder, target].sort().join(" ") === "net storage"),
  },
  {
    says: "host/node is met where things are put together: the programs and server/",
    broken: { "cli/dump.ts": 'import { NodeDisk } from "#host/node/disk.ts";' },
    find: (file) => {
      const isComposition = programs.has(file.path) || file.folder === "server" || file.path.startsWith("host/node/");
      return isComposition ? [] : file.imports.filter((name) => /^(#host|\.)\/node\//.test(name));
    },
  },
  {
    says: "another folder of src is named with #, a neighbour with ./",
    broken: {
      "tree/a.ts": 'import { assert } from "../base/assert.ts";',
      "tree/b.ts": 'import { c } from "#tree/c.ts";',
    },
    find: (file) => file.imports.filter((name) => isLocal(name) && !isWrittenRight(file, name) && !isGenerated(file)),
  },
  {
    says: "an import names a file that exists, with its .ts",
    broken: { "tree/a.ts": 'import { b } from "./b";' },
    find: (file, all) =>
      file.imports.filter((name) => isLocal(name) && !all.some((other) => other.path === resolve(file, name))),
  },
  {
    says: "files that load each other form no cycle",
    broken: { "tree/a.ts": 'import { b } from "./b.ts";', "tree/b.ts": 'import { type A, a } from "./a.ts";' },
    find: (file, all) => cycleThrough(file, all),
  },
  {
    says: "sockets, files, timers and threads live in host/node",
    broken: { "net/client-port.ts": 'import { createServer } from "node:net";' },
    find: (file) => (meetsTheWorld(file) ? [] : file.imports.filter((name) => worldModules.test(name))),
  },
  {
    says: "clocks, dice and timers are handed in",
    broken: { "session/expiry.ts": "const now = Date.now();", "session/id.ts": "setTimeout(() => 1, 5);" },
    find: (file) => (meetsTheWorld(file) ? [] : linesMatching(file, worldCalls)),
  },
  {
    says: "a pure layer takes no package, and of Node only calculation",
    broken: { "tree/a.ts": 'import pino from "pino";', "pipeline/b.ts": 'import { createHash } from "node:crypto";' },
    find: (file) =>
      pureFolders.has(file.folder)
        ? file.imports.filter((name) => !isLocal(name) && pureImports[name]?.includes(file.folder) !== true)
        : [],
  },
  {
    says: "a pure layer does not wait",
    broken: { "pipeline/prepare.ts": "export async function prepare(): Promise<void> {}" },
    find: (file) => (pureFolders.has(file.folder) ? linesMatching(file, /(?<![#.\w])(async|await)\b/) : []),
  },
  {
    says: "pino is known to host/node/logger.ts alone",
    broken: { "server/standalone.ts": 'import { pino } from "pino";' },
    find: (file) => (file.path === "host/node/logger.ts" ? [] : file.imports.filter((name) => /^pino\b/.test(name))),
  },
  {
    says: "yargs is known to cli/ alone",
    broken: { "main.ts": 'import yargs from "yargs";' },
    find: (file) => (file.folder === "cli" ? [] : file.imports.filter((name) => /^yargs\b/.test(name))),
  },
  {
    says: "the product does not import tests",
    broken: { "tree/a.ts": 'import { WireClient } from "../../test/support/wire-client.ts";' },
    find: (file) => file.imports.filter((name) => /(^|\/)(test|compat-tests)\//.test(name)),
  },
  {
    says: "a file opens with a comment that teaches its idea",
    broken: { "tree/a.ts": "export const a = 1;\n/** Too late. */" },
    find: (file) => (/^(#!.*\n)?\s*\/\*\*/.test(file.text) || isGenerated(file) ? [] : ["no header comment"]),
  },
  {
    says: `a file has at most ${fileLinesMax} lines`,
    broken: { "tree/a.ts": "\n".repeat(fileLinesMax + 1) },
    find: (file) => {
      const lines = file.text.split("\n").length - 1;
      return lines > fileLinesMax && !isGenerated(file) ? [`${lines} lines`] : [];
    },
  },
  {
    says: "exports have names",
    broken: { "tree/a.ts": "export default 1;", "tree/b.ts": "const b = 1; export { b as default };" },
    find: (file) => linesMatching(file, /\bexport\s+default\b|\bas\s+default\b/),
  },
  {
    says: "unfinished business is an issue, not a comment",
    broken: { "tree/a.ts": "// TODO: later" },
    find: (file) => file.text.split("\n").filter((line) => /\b(TODO|FIXME|XXX)\b/.test(line)),
  },
  {
    says: "nothing is switched off for the type checker",
    broken: { "tree/a.ts": "// @ts-ignore" },
    find: (file) => file.text.split("\n").filter((line) => /@ts-(ignore|nocheck|expect-error)/.test(line)),
  },
];

const sourceFolder = fileURLToPath(new URL("../src/", import.meta.url));
const sources = readSources(sourceFolder);

describe("the source tree", () => {
  test.each(rules)("$says", ({ find }) => {
    const offences = sources.flatMap((file) => find(file, sources).map((offence) => `${file.path}: ${offence.trim()}`));
    expect(offences).toEqual([]);
  });
});

describe("each rule catches what breaks it", () => {
  test.each(rules)("$says", ({ broken, find }) => {
    const files = Object.entries(broken).map(([path, text]) => makeSource(path, text));
    expect(files.filter((file) => find(file, files).length === 0)).toEqual([]);
  });
});

describe("reading sources", () => {
  test("finds static, type, side-effect, re-exporting and dynamic imports", () => {
    const text = [
      'import { a } from "#base/a.ts";',
      'import type {\n  B,\n} from "./b.ts";',
      'import "node:net";',
      'export { c } from "./c.ts";',
      'const d = await import("#cli/d.ts");',
      '// import { e } from "./e.ts";',
    ].join("\n");
    const source = makeSource("tree/x.ts", text);
    expect(source.imports).toEqual(["#base/a.ts", "./b.ts", "node:net", "./c.ts", "#cli/d.ts"]);
    expect(source.loads).toEqual(["#base/a.ts", "node:net", "./c.ts", "#cli/d.ts"]);
  });

  test("does not take comments, strings and regular expressions for code", () => {
    const text = [
      '/* await */ const a = "await"; // await',
      "const b = `await ${c} await`;",
      String.raw`const d = /["'await]\/*/.test(e) ? '\'await' : 1;`,
    ].join("\n");
    expect(makeSource("tree/x.ts", text).code).not.toContain("await");
    expect(makeSource("tree/x.ts", text).code.split("\n")).toHaveLength(3);
  });
});

function readSources(folder: string): Source[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const paths = names.filter((name) => name.endsWith(".ts")).sort();
  return paths.map((path) => makeSource(path.split(sep).join("/"), readFileSync(join(folder, path), "utf8")));
}

function makeSource(path: string, text: string): Source {
  const folder = path.includes("/") ? path.slice(0, path.indexOf("/")) : path.replace(/\.ts$/, "");
  return { path, text, code: blank(text, true), folder, imports: importsOf(text), loads: importsOf(text, true) };
}

function importsOf(text: string, isLoadedOnly = false): string[] {
  const pattern = /\bimport\s*\(\s*["']([^"']+)["']|\b(?:from|import)\s*["']([^"']+)["']/g;
  const uncommented = blank(text, false);
  const kept = isLoadedOnly
    ? uncommented.replaceAll(/\b(?:import|export)\s+type\s[^;"']*from\s*["'][^"']+["']/g, "")
    : uncommented;
  return Array.from(kept.matchAll(pattern), (match) => match[1] ?? match[2] ?? "");
}

/** Blanks comments, and with `isStrict` the contents of strings, templates and regular expressions. */
function blank(text: string, isStrict: boolean): string {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|(?<=[=(,:!?&|;{}[]\s*|\breturn\s+)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//g;
  return text.replaceAll(token, (found) => {
    const isComment = found.startsWith("//") || found.startsWith("/*");
    return isComment || isStrict ? found.replaceAll(/[^\n]/g, " ") : found;
  });
}

function levelOf(folder: string): number {
  return layers.findIndex((layer) => layer.includes(folder));
}

function isLocal(name: string): boolean {
  return name.startsWith("#") || name.startsWith(".");
}

function isGenerated(file: Source): boolean {
  return file.path.startsWith("jute/records/");
}

/** Other top folders that a file imports from. */
function crossings(file: Source): string[] {
  const folders = file.imports.filter(isLocal).map((name) => topFolder(resolve(file, name)));
  return folders.filter((folder) => folder !== file.folder && folder !== "..");
}

function topFolder(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : path.replace(/\.ts$/, "");
}

function resolve(file: Source, name: string): string {
  if (name.startsWith("#")) return name.slice(1);
  const path = relative(".", join(dirname(file.path), name));
  return path.split(sep).join("/");
}

/** Between a folder and a folder inside it (host/ and host/node/) both spellings are clear. */
function isWrittenRight(file: Source, name: string): boolean {
  const target = resolve(file, name);
  if (dirname(target) === dirname(file.path)) return name.startsWith("./");
  return name.startsWith("#") || topFolder(target) === file.folder;
}

function meetsTheWorld(file: Source): boolean {
  return file.path.startsWith("host/node/") || file.path === "admin/http.ts" || file.path === "main.ts";
}

function linesMatching(file: Source, pattern: RegExp): string[] {
  const lines = file.text.split("\n");
  const code = file.code.split("\n");
  return lines.filter((_, index) => pattern.test(code[index] ?? "")).map((line) => line.trim());
}

/** The way from a file back to itself, if what it loads leads there. */
function cycleThrough(file: Source, all: readonly Source[]): string[] {
  const byPath = new Map(all.map((other) => [other.path, other]));
  const cameFrom = new Map<string, string>();
  const toVisit = [file.path];
  for (let path = toVisit.pop(); path !== undefined; path = toVisit.pop()) {
    const current = byPath.get(path);
    for (const name of current?.loads.filter(isLocal) ?? []) {
      const target = resolve(current!, name);
      if (target === file.path) return [wayBack(cameFrom, path).join(" -> ")];
      if (cameFrom.has(target)) continue;
      cameFrom.set(target, path);
      toVisit.push(target);
    }
  }
  return [];
}

function wayBack(cameFrom: ReadonlyMap<string, string>, last: string): string[] {
  const way = [last];
  for (let path = cameFrom.get(last); path !== undefined; path = cameFrom.get(path)) way.unshift(path);
  return way;
}
