/**
 * A program that we did not write, or that uses a library we did not write, as a process: what it prints comes by lines,
 * and a test can answer it. Programs that act out a scenario speak one JSON value a line.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

/** Sees to it that the process does not outlive the tests. */
export function endedWithTests(child: ChildProcess): void {
  alive.add(child);
  child.once("exit", () => alive.delete(child));
}

/** A client as a process, its output by lines. */
export class ClientProcess {
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #rest = "";
  #hasClosed = false;
  #wake: () => void = () => {};

  /** @param folder where it runs; ours when absent. */
  constructor(
    program: string,
    words: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    folder: string = process.cwd(),
  ) {
    this.#child = spawn(program, words, {
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#ended = once(this.#child, "close");
    endedWithTests(this.#child);
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#take(text));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.errors.push(text);
      this.#wake();
    });
    this.#child.stdin?.on("error", () => {});
    this.#child.once("close", () => {
      this.#hasClosed = true;
      if (this.#rest !== "") this.lines.push(this.#rest);
      this.#rest = "";
      this.#wake();
    });
  }

  /** Gives the client a line. */
  write(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Closes the client's input. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Waits for a line that satisfies `isWanted`. */
  async line(isWanted: (line: string) => boolean): Promise<string> {
    for (;;) {
      const found = this.lines.find(isWanted);
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null) throw new Error(`the client ended: ${this.errors.join("")}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /**
   * Waits for the line with that index.
   * @returns null when the program ends before it.
   */
  async lineAt(index: number): Promise<string | null> {
    while (this.lines.length <= index) {
      if (this.#hasClosed) return this.lines[index] ?? null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.lines[index] ?? null;
  }

  /** Waits until what the client said on stderr satisfies `isEnough`. */
  async says(isEnough: (text: string) => boolean): Promise<void> {
    while (!isEnough(this.errors.join(""))) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`the client ended: ${this.errors.join("")}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /**
   * Waits for the end.
   * @throws Error with its stderr when it failed.
   */
  async end(): Promise<string[]> {
    await this.#ended;
    if (this.#child.exitCode !== 0) {
      throw new Error(`the client failed (${this.#child.exitCode}): ${this.errors.join("").slice(-3000)}`);
    }
    return this.lines;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** SIGSTOP, SIGCONT: the process stands still and goes on. */
  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(name);
  }

  #take(text: string): void {
    const parts = (this.#rest + text).split("\n");
    this.#rest = parts.pop() ?? "";
    this.lines.push(...parts);
    this.#wake();
  }
}
