/**
 * Watches over the fuzzer from a thread of its own: an input on which the process does not come back, in a loop or waiting for what
 * never happens, is written to findings/ and ends the process.
 *
 *   shared memory   runs begun | length of the input | input
 */

import { writeSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { writeFinding } from "./corpus.ts";

/** How long one input may take before it counts as never. */
const stuckMs = 20_000;
const inputBytesMax = 1 << 20;
const stderrFd = 2;

export class Watchdog {
  readonly #memory = new SharedArrayBuffer(8 + inputBytesMax);
  readonly #words = new Int32Array(this.#memory, 0, 2);
  readonly #input = Buffer.from(this.#memory, 8);
  readonly #worker: Worker;

  constructor(target: string) {
    this.#worker = new Worker(new URL(import.meta.url), { workerData: { target, memory: this.#memory } });
  }

  /** A run begins. */
  begins(input: Buffer): void {
    this.#words[1] = Math.min(input.length, inputBytesMax);
    input.copy(this.#input, 0, 0, inputBytesMax);
    Atomics.add(this.#words, 0, 1);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

function watch({ target, memory }: { target: string; memory: SharedArrayBuffer }): void {
  const words = new Int32Array(memory, 0, 2);
  let seen = 0;
  setInterval(() => {
    const count = Atomics.load(words, 0);
    if (count === 0 || count !== seen) {
      seen = count;
      return;
    }
    const input = Buffer.from(Buffer.from(memory, 8, words[1]));
    const command = writeFinding(target, input, `the run did not end within ${stuckMs} ms`);
    // The stream of this thread would go through the one that is stuck.
    writeSync(stderrFd, `${target}: a run does not end\n  ${command}\n`);
    process.kill(process.pid, "SIGKILL");
  }, stuckMs);
}

if (!isMainThread && typeof workerData === "object" && workerData !== null && "memory" in workerData) {
  watch(workerData as { target: string; memory: SharedArrayBuffer });
}
