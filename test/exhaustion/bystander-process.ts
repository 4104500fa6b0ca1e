/** A well-behaved client (bystander.ts) in a process of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { BystanderReport } from "./bystander-report.ts";

const script = fileURLToPath(new URL("bystander.ts", import.meta.url));

export class BystanderProcess {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout! });
  }

  /** Resolves when it has a session at one of the ports. */
  static async start(ports: readonly number[]): Promise<BystanderProcess> {
    const child = spawn(process.execPath, [script, ...ports.map(String)], { stdio: ["pipe", "pipe", "inherit"] });
    const bystander = new BystanderProcess(child);
    await bystander.#line();
    return bystander;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it has seen since this was asked last. */
  async report(): Promise<BystanderReport> {
    this.#child.stdin!.write("\n");
    return JSON.parse(await this.#line()) as BystanderReport;
  }

  async dispose(): Promise<void> {
    if (!this.isRunning) return;
    const exited = once(this.#child, "exit");
    this.#child.stdin!.end();
    await exited;
  }

  async #line(): Promise<string> {
    const ended = once(this.#child, "exit").then(() => null);
    const line = await Promise.race([once(this.#lines, "line"), ended]);
    if (line === null) throw new Error("the well-behaved client has ended");
    return String(line[0]);
  }
}
