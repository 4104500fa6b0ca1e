/** The world as a server is given it: everything it does not compute itself. */

import type { Random } from "#base/prng.ts";
import type { Clock } from "#host/clock.ts";
import type { Disk } from "#host/disk.ts";
import type { Logger } from "#host/logger.ts";
import type { Threads } from "#host/threads.ts";
import type { Timers } from "#host/timers.ts";
import type { Wire } from "#host/wire.ts";

export interface HostParts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Null where there are none: what could be done beside the event loop is done on it. */
  readonly threads: Threads | null;
  readonly disk: Disk;
  readonly wire: Wire;
  readonly logger: Logger;
  readonly random: Random;
  /** Seed of the path hash, which clients must not be able to guess. */
  readonly hashSeed: number;
  /** Bytes of a tree that are sent to a learner in one piece, where a simulation wants fewer. */
  readonly treeSliceBytes?: number;
}
