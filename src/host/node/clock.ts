/** The real clocks. */

import type { Clock } from "../clock.ts";

export const nodeClock: Clock = {
  monotonicMs: () => Math.trunc(performance.now()),
  wallMs: () => Date.now(),
};
