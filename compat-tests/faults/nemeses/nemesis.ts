/**
 * A nemesis, in Jepsen's word: who does something to an ensemble, and mends it. Every strike leaves all members able to serve
 * again, and is over only then, since ZooKeeper promises to survive the loss of a minority, not of one minority after the other.
 */

import type { Dice } from "../../../test/sim/schedule.ts";
import type { Ensemble } from "../ensemble.ts";

export interface Stage {
  readonly ensemble: Ensemble;
  readonly dice: Dice;
  /** Writes down what is done, with the time. */
  readonly say: (text: string) => void;
}

export interface Nemesis {
  readonly name: string;
  readonly about: string;
  /** What it cannot do without. */
  readonly needs?: "links" | "small disks";
  /** Whether it changes who the members are. */
  readonly changesMembers?: true;
  /**
   * Whether a member may be without its leader while it strikes, and not know it: a leader that was replaced answers syncs for the
   * past, and nobody hears of the sessions of a member that goes on.
   */
  readonly leavesOldLeaders: boolean;
  /** One fault, from its beginning to its end. */
  strike(stage: Stage): Promise<void>;
}

/** In an order that dice have thrown. */
export function shuffled<Item>(items: readonly Item[], dice: Dice): Item[] {
  return items
    .map((item) => ({ item, at: dice.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
