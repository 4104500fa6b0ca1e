/**
 * What signals do to the process, as an operator of a JVM expects it:
 *
 *   SIGTERM SIGINT SIGHUP   stop in order, then exit with 128 + the number; the same signal again ends it at once
 *   SIGQUIT                 tell how things are and go on (a JVM prints its threads)
 *   SIGUSR1 SIGUSR2         nothing; left alone, the first would open Node's debugger to everybody on the machine
 */

import type { Logger } from "../logger.ts";

export interface SignalActions {
  /** Stops what is running; the process ends when it is done. */
  stop(): Promise<void>;
  /** How things are, in some words. */
  describe(): string;
}

const stopping = { SIGTERM: 15, SIGINT: 2, SIGHUP: 1 } as const;

/** Handles signals from now on. */
export function handleSignals(logger: Logger, actions: SignalActions): void {
  for (const [signal, number] of Object.entries(stopping)) {
    process.once(signal, () => {
      logger.info({ signal }, `Exiting on a signal, ${signal}`);
      void actions.stop().finally(() => process.exit(128 + number));
    });
  }
  process.on("SIGQUIT", () => {
    const residentMb = Math.round(process.memoryUsage().rss / 1e6);
    const upSeconds = Math.round(process.uptime());
    logger.info({}, `Running for ${upSeconds} s in ${residentMb} MB; ${actions.describe()}`);
  });
  for (const signal of ["SIGUSR1", "SIGUSR2"] as const) {
    process.on(signal, () => logger.info({ signal }, `Ignored ${signal}`));
  }
}
