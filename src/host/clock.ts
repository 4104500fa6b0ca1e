/** Time, handed in. Two clocks: one for timeouts, which never jumps, and one for the times that transactions carry. */
export interface Clock {
  /**
   * Milliseconds on a clock that never goes back; its zero means nothing. A real one gives whole ones: it is read and handed on
   * all the time, and V8 allocates a number with a fraction wherever it is handed on.
   */
  monotonicMs(): number;
  /** Milliseconds since 1970 by this machine's wall clock, an integer. */
  wallMs(): number;
}
