/** What a probe (probe.ts) says of the server it is in. */
export interface ProbeReading {
  /** For how long the event loop was held at most since this was asked last, in milliseconds. */
  readonly stallMs: number;
  /**
   * The CPU time that the event loop's thread has taken at most between two of the probe's timers, which are five milliseconds
   * apart, in milliseconds: the same without the time in which others had the processor.
   */
  readonly busyMs: number;
  /** What JavaScript has allocated since the process began. */
  readonly allocatedBytes: number;
}

/** Where it says it, in the server's folder. */
export const probeSocket = "probe.sock";
