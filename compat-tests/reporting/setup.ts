/** After each test: what it spent on either build goes with its result. */

import { afterEach } from "vitest";
import { takeSpent } from "./cases.ts";

afterEach(({ task }) => {
  task.meta.compat = { ...task.meta.compat, seconds: takeSpent() };
});
