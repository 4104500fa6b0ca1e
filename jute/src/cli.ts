#!/usr/bin/env node
/**
 * jute-ts-codegen FILE.jute --out FOLDER [--runtime PREFIX] [--check]
 *
 * Writes a TypeScript file for each module of FILE and of the files it includes. With --check nothing is written, and
 * files that differ from what would be written are named. Messages are single lines on standard error.
 *
 *   0  done; with --check: the folder holds just what would be written
 *   1  the .jute file is wrong (file:line:column: problem); with --check: something differs
 *   2  wrong usage, or a file that cannot be read or written
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

import { emit, type EmittedFile } from "./emit.ts";
import { JuteError } from "./jute-error.ts";
import { parseSchema } from "./parser.ts";

const usage = "usage: jute-ts-codegen FILE.jute --out FOLDER [--runtime PREFIX] [--check]";

/** What a run may touch, handed in. */
export interface CliWorld {
  /** Folder that relative paths start from. */
  readonly cwd: string;
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
}

/** Runs the command line `args` and returns its exit code. */
export function runCli(args: readonly string[], world: CliWorld): number {
  const options = parseOptions(args);
  if (typeof options === "string") {
    world.err(options);
    world.err(usage);
    return 2;
  }
  try {
    const files = generate(options, world);
    return options.isCheck ? check(files, options.out, world) : write(files, options.out, world);
  } catch (error) {
    world.err(error instanceof Error ? error.message : String(error));
    return error instanceof JuteError ? 1 : 2;
  }
}

interface Options {
  readonly file: string;
  readonly out: string;
  readonly runtime: string;
  readonly isCheck: boolean;
}

/** The options, or what is wrong with them. */
function parseOptions(args: readonly string[]): Options | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { out: { type: "string" }, runtime: { type: "string", default: "#jute" }, check: { type: "boolean" } },
    });
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) return `expected one .jute file, found ${positionals.length}`;
    if (values.out === undefined) return "expected --out with a folder";
    return { file, out: values.out, runtime: values.runtime, isCheck: values.check ?? false };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function generate(options: Options, world: CliWorld): EmittedFile[] {
  const schema = parseSchema(options.file, (file) => readFileSync(resolve(world.cwd, file), "utf8"));
  return emit(schema, { runtime: options.runtime, command: describeCommand(options, world.cwd) });
}

/** The command as a shell takes it, with paths relative to `cwd`, so that it reads the same on every machine. */
function describeCommand(options: Options, cwd: string): string {
  const short = (path: string): string => relative(cwd, resolve(cwd, path)).replaceAll("\\", "/");
  const words = ["jute-ts-codegen", short(options.file), "--out", short(options.out), "--runtime", options.runtime];
  return words.map((word) => (/^[\w./-]+$/.test(word) ? word : `'${word}'`)).join(" ");
}

function write(files: readonly EmittedFile[], folder: string, world: CliWorld): number {
  const target = resolve(world.cwd, folder);
  mkdirSync(target, { recursive: true });
  for (const { name, text } of files) writeFileSync(join(target, name), text);
  world.out(`${files.length} files written to ${folder}`);
  return 0;
}

function check(files: readonly EmittedFile[], folder: string, world: CliWorld): number {
  let code = 0;
  for (const { name, text } of files) {
    const path = join(folder, name);
    if (readIfThere(resolve(world.cwd, path)) === text) continue;
    world.err(`${path}: differs from what its schema generates`);
    code = 1;
  }
  return code;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

if (import.meta.main) {
  process.exitCode = runCli(process.argv.slice(2), {
    cwd: process.cwd(),
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
  });
}
