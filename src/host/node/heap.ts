/** How the engine's heap behaves. */

import { setFlagsFromString } from "node:v8";

/**
 * Keeps the young generation at the few megabytes that it starts with. Left alone it grows to some forty while many clients
 * connect, and stays there. Requests allocate next to nothing, so a larger one makes nothing faster.
 *
 * The engine reads the factor each time that it would grow: what has grown before stays.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
