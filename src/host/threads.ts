/**
 * Other threads, handed in. A thread has memory of its own: what is sent to it is copied (structured clone), except for
 * the bytes of SharedArrayBuffers, which both sides then see. Messages are `unknown` here; the two ends of a
 * conversation stand in one file, which knows what it sends.
 */

/** A thread that was started. */
export interface Thread {
  post(message: unknown): void;
  /** Ends it, whatever it is doing. */
  stop(): void;
}

/** What becomes of a thread, told to its starter. */
export interface ThreadEvents {
  message(message: unknown): void;
  /** It ended with an error, or could not start. */
  failed(error: Error): void;
}

/** What the program of a thread has to speak to its starter. */
export interface ThreadPort {
  post(message: unknown): void;
  /** Calls `take` with each message from now on; the thread ends when its starter stops it. */
  onMessage(take: (message: unknown) => void): void;
}

export interface Threads {
  /** Starts a program, the module of that name beside main.ts, with `task`. */
  start(program: string, task: unknown, events: ThreadEvents): Thread;
}
