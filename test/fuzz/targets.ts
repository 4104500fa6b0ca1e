/** All targets, in the order in which they are run. */

import type { FuzzTarget } from "./target.ts";
import { clientFrames, handshakes, requestBodies } from "./targets/clients.ts";
import { dynamicConfig, zooCfg } from "./targets/config.ts";
import { epochs, folders, log, snapshot } from "./targets/disk.ts";
import { election } from "./targets/election.ts";
import { discovery, leader, learner, packets, returning } from "./targets/quorum.ts";
import { txns } from "./targets/txns.ts";
import { treeStream } from "./targets/tree-stream.ts";

export const targets: readonly FuzzTarget[] = [
  clientFrames,
  handshakes,
  requestBodies,
  packets,
  learner,
  returning,
  leader,
  discovery,
  election,
  txns,
  treeStream,
  log,
  snapshot,
  folders,
  epochs,
  zooCfg,
  dynamicConfig,
];
