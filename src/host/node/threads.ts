/** The real threads: node:worker_threads behind the interfaces of host/threads.ts. */

import { parentPort, Worker, workerData } from "node:worker_threads";
import { assert } from "#base/assert.ts";
import type { Thread, ThreadEvents, ThreadPort, Threads } from "../threads.ts";

/** @param mainUrl where main.ts lies, or what was built of it: the programs of threads lie beside it. */
export function nodeThreads(mainUrl: string): Threads {
  const extension = mainUrl.slice(mainUrl.lastIndexOf("."));
  return {
    start(program: string, task: unknown, events: ThreadEvents): Thread {
      const worker = new Worker(new URL(program + extension, mainUrl), { workerData: task });
      worker.on("message", (message) => events.message(message));
      worker.on("error", (error) => events.failed(error as Error));
      return {
        post: (message) => worker.postMessage(message, []),
        stop: () => void worker.terminate(),
      };
    },
  };
}

/** Within a thread: what it was started with, and the port to its starter. */
export function startedThread(): { task: unknown; port: ThreadPort } {
  const port = parentPort;
  assert(port !== null, "the program of a thread is started as one");
  return {
    task: workerData,
    port: {
      post: (message) => port.postMessage(message, []),
      onMessage: (take) => void port.on("message", take),
    },
  };
}
