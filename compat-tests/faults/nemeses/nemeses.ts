/** All nemeses, by their names; the rotation takes them in this order. */

import { fileNemeses } from "./files.ts";
import { machineNemeses } from "./machines.ts";
import { membershipNemeses } from "./membership.ts";
import type { Nemesis } from "./nemesis.ts";
import { linkNemeses } from "./partitions.ts";

export const nemeses: readonly Nemesis[] = [...machineNemeses, ...linkNemeses, ...fileNemeses, ...membershipNemeses];

export function nemesisOf(name: string): Nemesis {
  const found = nemeses.find((nemesis) => nemesis.name === name);
  if (found === undefined)
    throw new Error(`no nemesis ${name}; there are ${nemeses.map((one) => one.name).join(", ")}`);
  return found;
}
