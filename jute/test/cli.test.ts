import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { runCli } from "../src/cli.ts";

const root = join(import.meta.dirname, "../..");
const every = ["jute/test/schemas/every-type.jute", "--runtime", "../../../src/jute"];

let cwd = "";

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "jute-ts-codegen-"));
});

afterEach(() => {
  rmSync(cwd, { recursive: true });
});

function run(args: readonly string[], folder: string = cwd): { code: number; out: string[]; err: string[] } {
  const out: string[] = [];
  const err: string[] = [];
  const code = runCli(args, { cwd: folder, out: (line) => out.push(line), err: (line) => err.push(line) });
  return { code, out, err };
}

test("the golden files are what the generator makes of the test schema, byte for byte", () => {
  expect(run([...every, "--out", "jute/test/golden", "--check"], root)).toEqual({ code: 0, out: [], err: [] });
});

test("a file is written for each module, those of included files among them", () => {
  const result = run([join(root, every[0]!), "--out", "some/folder"]);
  expect(result).toEqual({ code: 0, out: ["2 files written to some/folder"], err: [] });
  expect(readdirSync(join(cwd, "some/folder")).sort()).toEqual(["every.ts", "shared.ts"]);
});

test("the header has the command with paths relative to the working folder, however they were given", () => {
  writeFileSync(join(cwd, "a.jute"), "module a { class A { int x; } }");
  run([join(cwd, "a.jute"), `--out=${join(cwd, "out")}`]);
  expect(readFileSync(join(cwd, "out/a.ts"), "utf8")).toContain(
    " *   jute-ts-codegen a.jute --out out --runtime '#jute'\n",
  );
});

test("--check names the files that differ or are missing, and writes nothing", () => {
  writeFileSync(join(cwd, "a.jute"), "module a { class A { int x; } } module b { class B { a.A a; } }");
  run(["a.jute", "--out", "."]);
  expect(run(["a.jute", "--out", ".", "--check"])).toEqual({ code: 0, out: [], err: [] });
  writeFileSync(join(cwd, "a.ts"), "edited");
  rmSync(join(cwd, "b.ts"));
  expect(run(["a.jute", "--out", ".", "--check"])).toEqual({
    code: 1,
    out: [],
    err: ["a.ts: differs from what its schema generates", "b.ts: differs from what its schema generates"],
  });
  expect(readdirSync(cwd).sort()).toEqual(["a.jute", "a.ts"]);
});

test("a wrong schema is code 1 and one line with its place, and writes nothing", () => {
  writeFileSync(join(cwd, "a.jute"), "module a {\n  class A { int x } }");
  expect(run(["a.jute", "--out", "out"])).toEqual({
    code: 1,
    out: [],
    err: ['a.jute:2:19: expected ";" after the field name, found "}"'],
  });
  expect(readdirSync(cwd)).toEqual(["a.jute"]);
});

test("a file that cannot be read is code 2", () => {
  const { code, err } = run(["absent.jute", "--out", "out"]);
  expect(code).toBe(2);
  expect(err).toEqual([expect.stringContaining("absent.jute")]);
});

test.each([
  [[], "expected one .jute file, found 0"],
  [["a", "b", "--out", "x"], "expected one .jute file, found 2"],
  [["a.jute"], "expected --out with a folder"],
  [["a.jute", "--out", "x", "--frobnicate"], expect.stringContaining("--frobnicate") as string],
])("arguments %j are code 2 and show the usage", (args, problem) => {
  const { code, err } = run(args);
  expect(code).toBe(2);
  expect(err).toEqual([problem, "usage: jute-ts-codegen FILE.jute --out FOLDER [--runtime PREFIX] [--check]"]);
});

test("as a program it ends with the code and prints to the two outputs", () => {
  writeFileSync(join(cwd, "a.jute"), "module a { class A { int x; } }");
  const cli = join(root, "jute/src/cli.ts");
  expect(execFileSync(process.execPath, [cli, "a.jute", "--out", "."], { cwd, encoding: "utf8" })).toBe(
    "1 files written to .\n",
  );
  expect(() => execFileSync(process.execPath, [cli], { cwd, stdio: "pipe" })).toThrow("usage: jute-ts-codegen");
});
