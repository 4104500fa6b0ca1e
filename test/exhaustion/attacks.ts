/** All attacks, in the order of the table. */

import type { Attack } from "./attack.ts";
import { connectionAttacks } from "./connections.ts";
import { costlyAttacks } from "./costly-requests.ts";
import { floodAttacks } from "./everything.ts";
import { frameAttacks } from "./frames.ts";
import { processAttacks } from "./process-limits.ts";
import { readerAttacks } from "./readers-and-writers.ts";
import { sessionAttacks } from "./sessions.ts";
import { treeAttacks } from "./watches-and-paths.ts";
import { wordAttacks } from "./words.ts";

export const attacks: readonly Attack[] = [
  ...connectionAttacks,
  ...frameAttacks,
  ...treeAttacks,
  ...costlyAttacks,
  ...sessionAttacks,
  ...readerAttacks,
  ...wordAttacks,
  ...processAttacks,
  ...floodAttacks,
];
