/** What is published: a folder of JavaScript that needs Node and nothing else, made by rolldown.config.ts. */

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { runInNewContext } from "node:vm";
import { build, type OutputChunk } from "rolldown";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { productVersion } from "#base/version.ts";
import { threadedSnapshotBytesMin } from "#server/database.ts";
import configs from "../rolldown.config.ts";
import { ServerProcess } from "./support/server-process.ts";
import { WireClient } from "./support/wire-client.ts";

const folder = mkdtempSync(join(tmpdir(), "nodekeeper-dist-"));
const command = join(folder, "nodekeeper.js");
const chunks: OutputChunk[] = [];

beforeAll(async () => {
  // Far from any node_modules, so that a package left out of the bundle cannot be found.
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  for (const config of configs) {
    const { output } = await build({ ...config, output: { ...config.output, dir: folder, cleanDir: false } });
    chunks.push(...output.filter((file) => file.type === "chunk"));
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(...args: string[]): Promise<string> {
  const env = { ...process.env, XDG_CACHE_HOME: folder };
  return (await promisify(execFile)(process.execPath, [command, ...args], { env })).stdout;
}

/** The chunks that are loaded before the command line has been read. */
function startChunks(): OutputChunk[] {
  const found = new Set(["main.js"]);
  for (const name of found) for (const next of chunk(name)?.imports ?? []) found.add(next);
  return [...found].flatMap((name) => chunk(name) ?? []);
}

function chunk(name: string): OutputChunk | undefined {
  return chunks.find(({ fileName }) => fileName === name);
}

/** Runs the launcher under another version of Node, as far as it can tell; returns what it said and did. */
function launchUnder(version: string): { said: string[]; exitCode: number | null } {
  const said: string[] = [];
  let exitCode: number | null = null;
  const exit = (code: number): never => {
    exitCode = code;
    throw new Error("exit");
  };
  const text = readFileSync(command, "utf8").replace(/^#!.*/, "");
  const fakes = {
    process: { versions: { node: version }, execPath: "/usr/bin/node", env: {}, exit },
    console: { error: (line: string) => said.push(line) },
  };
  try {
    runInNewContext(text.replace("import(", "String("), fakes);
  } catch (error) {
    if (exitCode === null) throw error;
  }
  return { said, exitCode };
}

describe("the package", () => {
  test("loads its own files and Node's modules, and no package", () => {
    const names = new Set(chunks.map(({ fileName }) => fileName));
    const foreign = chunks.flatMap(({ imports, dynamicImports }) =>
      [...imports, ...dynamicImports].filter((name) => !names.has(name) && !isBuiltin(name)),
    );
    expect(foreign).toEqual([]);
    expect(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))).not.toHaveProperty(
      "dependencies",
    );
  });

  test("carries the licence of each package inside", () => {
    const text = readFileSync(join(folder, "THIRD-PARTY-LICENSES"), "utf8");
    for (const name of ["pino", "yargs", "snappyjs", "sonic-boom"]) {
      expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\\n\\n`, "m"));
    }
  });

  test("does not load yargs for a start", () => {
    const modules = startChunks().flatMap(({ moduleIds }) => moduleIds);
    expect(modules.some((id) => id.includes("/node_modules/pino/"))).toBe(true);
    expect(modules.filter((id) => id.includes("/node_modules/yargs"))).toEqual([]);
  });
});

describe("the command", () => {
  test("names the Node it needs, and ends with code 1, on an older one", () => {
    const said = ["nodekeeper needs Node.js 24 or later; /usr/bin/node is 10.24.1."];
    expect(launchUnder("10.24.1")).toEqual({ said, exitCode: 1 });
    expect(launchUnder("23.9.0").exitCode).toBe(1);
    expect(launchUnder("24.0.0")).toEqual({ said: [], exitCode: null });
  });

  test("prints its version and its help", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    expect(version).toBe(productVersion);
    expect(await run("--version")).toMatch(/^nodekeeper 0\.1\.0, a ZooKeeper 3\.9\.5 server\n$/);
    expect(await run("--help")).toContain("nodekeeper check <file>");
  });

  test("checks a zoo.cfg", async () => {
    const file = join(folder, "zoo.cfg");
    writeFileSync(file, `dataDir=${folder}/data\nclientPort=2181\n`);
    expect(await run("check", file)).toContain(`${file}: valid;`);
  });

  test("starts a server that serves", async () => {
    await using server = await ServerProcess.start({ kind: "ours", entry: command });
    const client = await WireClient.connect(server.port);
    expect(await client.create("/packed", "")).toBe("/packed");
    await client.closeSession();
    expect((await server.stop()).code).toBe(143);
  });

  test("restores a snapshot that takes a second thread", async () => {
    await using server = await ServerProcess.start({ kind: "ours", entry: command });
    const writer = await WireClient.connect(server.port);
    const data = Buffer.alloc(1_000_000, 7);
    for (let i = 0; i < 9; i++) await writer.create(`/large${i}`, data);
    await writer.closeSession();
    await server.stop();
    // The log is replayed and leaves a snapshot; the start after that has little else to read.
    await server.restart();
    const snapshots = (): string[] =>
      readdirSync(join(server.folder, "data", "version-2")).filter((name) => /^snapshot\.[1-9a-f]/.test(name));
    await vi.waitFor(() => expect(snapshots()).toHaveLength(1), 10_000);
    const { size } = statSync(join(server.folder, "data", "version-2", snapshots()[0]!));
    expect(size).toBeGreaterThan(threadedSnapshotBytesMin);
    await server.stop();
    await server.restart();
    const reader = await WireClient.connect(server.port);
    for (let i = 0; i < 9; i++) expect((await reader.getData(`/large${i}`)).data?.equals(data)).toBe(true);
    await reader.closeSession();
  });
});
