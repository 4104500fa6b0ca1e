/** Threads that run beside the test's own, on the same event loop; messages are copied as they are between threads. */

import type { Thread, ThreadEvents, ThreadPort, Threads } from "#host/threads.ts";

/** What a thread does; when it fails the thread has failed. */
type Run = (program: string, task: unknown, port: ThreadPort) => Promise<void>;

export class FakeThreads implements Threads {
  readonly #run: Run;
  isStopped = false;
  /** Messages of the thread that were not answered. */
  underWay = 0;
  mostUnderWay = 0;

  constructor(run: Run) {
    this.#run = run;
  }

  start(program: string, task: unknown, events: ThreadEvents): Thread {
    let give: ((message: unknown) => void) | null = null;
    const post = (message: unknown): void => {
      this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
      events.message(structuredClone(message));
    };
    this.#run(program, task, { post, onMessage: (take) => (give = take) }).catch((error: unknown) =>
      events.failed(error as Error),
    );
    return {
      post: (message) => {
        this.underWay--;
        give?.(message);
      },
      stop: () => (this.isStopped = true),
    };
  }
}
