/**
 * Launch records: proof of which server a foreign test met. Whatever starts a server for a suite appends one line to the
 * file that the environment names, before that server runs:
 *
 *   {"at":"2026-...","suite":"kazoo 2.11.0","build":"ours","pid":4711,"config":"/tmp/x/zoo.cfg","configHash":"9f...","dropped":["secureClientPort=20004"]}
 *
 * Always: `pid` is that of the server itself. The door (door/java.ts) replaces its own process by the server's, and a shim inside
 * a JVM writes the record of the child that it started. A test without a record of the right build did not
 * test that build, whatever its own suite says about it.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Build } from "../reference/server.ts";

/** One start of a server. */
export interface Launch {
  /** ISO 8601. */
  readonly at: string;
  readonly suite: string;
  readonly build: Build;
  readonly pid: number;
  /** The file that the harness wrote; what was run may be a copy without some lines. */
  readonly config: string;
  /** SHA-256 of what was run, in hex, shortened. */
  readonly configHash: string;
  /** Lines and words that the server was not given, the same for both builds. */
  readonly dropped: readonly string[];
}

/** Names of the environment's variables that steer the door. */
export const doorVariable = {
  build: "COMPAT_DOOR_BUILD",
  suite: "COMPAT_DOOR_SUITE",
  records: "COMPAT_DOOR_RECORDS",
} as const;

/** Folder with the words `java` and `zkServer.sh` of ours. */
export const doorFolder: string = fileURLToPath(new URL("door", import.meta.url));

/** The records of one run of a suite. */
export class LaunchRecords {
  readonly #folder: string = mkdtempSync(join(tmpdir(), "compat-launches-"));

  get file(): string {
    return join(this.#folder, "launches.jsonl");
  }

  /**
   * Variables for the suite's process: servers that it starts through PATH are of this build and leave a record here. Of several
   * builds each server gets that of its own id.
   */
  environment(suite: string, ...builds: readonly Build[]): Record<string, string> {
    return {
      PATH: `${doorFolder}${delimiter}${process.env["PATH"] ?? ""}`,
      [doorVariable.build]: builds.join(),
      [doorVariable.suite]: suite,
      [doorVariable.records]: this.file,
    };
  }

  read(): Launch[] {
    if (!existsSync(this.file)) return [];
    const lines = readFileSync(this.file, "utf8").split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Launch);
  }

  /** Ends servers that a suite left behind, and forgets the records. */
  dispose(): void {
    for (const { pid, config } of this.read()) {
      if (isRunning(pid, config)) process.kill(pid, "SIGKILL");
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Whether the process still is that server; its id may have passed on to another. */
function isRunning(pid: number, config: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(config.split(" ")[0] ?? config);
  } catch {
    return false;
  }
}
