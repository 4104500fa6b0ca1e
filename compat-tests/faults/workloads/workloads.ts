/** All workloads, by their names. */

import { counter } from "./counter.ts";
import { linearQueue, totalQueue } from "./queue.ts";
import { register } from "./register.ts";
import { set } from "./set.ts";
import { uniqueIds } from "./unique-ids.ts";
import type { Workload } from "./workload.ts";

export const workloads: readonly Workload[] = [register, set, counter, uniqueIds, totalQueue, linearQueue];

export function workloadOf(name: string): Workload {
  const found = workloads.find((workload) => workload.name === name);
  if (found === undefined)
    throw new Error(`no workload ${name}; there are ${workloads.map((one) => one.name).join(", ")}`);
  return found;
}
