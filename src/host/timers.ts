/** Wake-ups, handed in. Few and coarse on purpose: thousands of deadlines are kept in buckets behind one of these. */
export interface Timer {
  cancel(): void;
}

export interface Timers {
  /** Calls `action` once, about `delayMs` from now. */
  after(delayMs: number, action: () => void): Timer;
  /** Calls `action` again and again, about `periodMs` apart. */
  every(periodMs: number, action: () => void): Timer;
  /** Calls `action` when this turn of the event loop has handled its input: how group commit gathers a turn's writes. */
  atTurnEnd(action: () => void): void;
}
