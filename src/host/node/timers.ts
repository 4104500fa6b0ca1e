/** The real timers. */

import type { Timer, Timers } from "../timers.ts";

export const nodeTimers: Timers = {
  after(delayMs: number, action: () => void): Timer {
    const timer = setTimeout(action, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  every(periodMs: number, action: () => void): Timer {
    const timer = setInterval(action, periodMs);
    return { cancel: () => clearInterval(timer) };
  },
  atTurnEnd(action: () => void): void {
    setImmediate(action);
  },
};
