/**
 * Changes of the members that clients ask for: other roles, ports, groups and weights for some of them, and some of them no more.
 *
 *   whole         all that are to be members
 *   incremental   who leaves, who joins or has another place; refused where there are groups
 *
 * Some name the version that they are a change of, the right one or not. Most come to something only while enough of the new members
 * are in step.
 */

import type { Request } from "../support/requests.ts";
import type { Dice } from "./schedule.ts";

/** What a member is to be. */
export interface MemberPlace {
  /** Where other members find it, in the order of the alphabet. */
  readonly hosts?: readonly string[];
  readonly quorumPort?: number;
  readonly electionPort?: number;
  readonly clientPort?: number;
  readonly isObserver?: boolean;
  /** It is a member no more. */
  readonly isGone?: boolean;
}

type ReconfigRequest = Request & { readonly op: "reconfig" };

export class MemberChanges {
  readonly #dice: Dice;
  readonly #count: number;
  readonly #version: () => bigint;
  readonly #haveTwoAddresses: boolean;
  readonly #hasOracle: boolean;

  /**
   * @param parts.version that of the configuration in force, as far as anybody can tell.
   * @param parts.hasOracle they are asked for more often, and for two others to vote.
   */
  constructor(parts: {
    dice: Dice;
    count: number;
    version: () => bigint;
    haveTwoAddresses: boolean;
    hasOracle: boolean;
  }) {
    this.#dice = parts.dice;
    this.#count = parts.count;
    this.#version = parts.version;
    this.#haveTwoAddresses = parts.haveTwoAddresses;
    this.#hasOracle = parts.hasOracle;
  }

  /** Whether one is asked for now. */
  isDue(): boolean {
    return this.#dice.oneIn(this.#hasOracle ? 3 : 6);
  }

  next(): Request {
    const dice = this.#dice;
    const change = this.#hasOracle && dice.oneIn(2) ? this.#fewVoters() : this.#any();
    if (!dice.oneIn(3)) return change;
    return { ...change, curConfigId: dice.oneIn(3) ? this.#version() + 1n : this.#version() };
  }

  #any(): ReconfigRequest {
    return this.#dice.oneIn(2) ? this.#incremental() : this.#whole();
  }

  /** Two of them vote, or three on the way to another two, and the others observe. */
  #fewVoters(): ReconfigRequest {
    const first = this.#dice.below(this.#count);
    const voters = this.#dice.oneIn(2) ? 2 : 3;
    const places = Array.from({ length: this.#count }, (_, i) => {
      return { ...this.#place(i + 1, 1), isObserver: (i + this.#count - first) % this.#count >= voters };
    });
    return changeTo(places);
  }

  #whole(): ReconfigRequest {
    const dice = this.#dice;
    const [leaveOneIn, observeOneIn] = [dice.pick([2, 4, 1_000]), dice.pick([2, 4, 1_000])];
    const places = Array.from({ length: this.#count }, (_, i) => ({
      ...this.#place(i + 1, observeOneIn),
      isGone: dice.oneIn(leaveOneIn),
    }));
    const change = changeTo(places);
    if (!dice.oneIn(4)) return change;
    const voters = places.flatMap(({ isObserver, isGone }, i) => (isObserver || isGone ? [] : [i + 1]));
    return { ...change, newMembers: [change.newMembers, ...groupLines(dice, voters)].join("\n") };
  }

  #incremental(): ReconfigRequest {
    const dice = this.#dice;
    const leaving: number[] = [];
    const joining: string[] = [];
    for (let sid = 1; sid <= this.#count; sid++) {
      const draw = dice.below(6);
      if (draw === 0) leaving.push(sid);
      // Who leaves may join in the same change.
      if (draw === 1 || (draw === 0 && dice.oneIn(4))) joining.push(memberLine(sid, this.#place(sid, 2)));
    }
    return { op: "reconfig", joining: joining.join(), leaving: leaving.join() };
  }

  /** Election ports move seldom: who is away while all of them do knows nobody's any more, with ZooKeeper as well. */
  #place(sid: number, observeOneIn: number): MemberPlace & { readonly isObserver: boolean } {
    const dice = this.#dice;
    return {
      ...(this.#haveTwoAddresses ? { hosts: this.#hosts(sid) } : {}),
      quorumPort: dice.oneIn(6) ? 2889 : 2888,
      electionPort: dice.oneIn(20) ? 3889 : 3888,
      clientPort: dice.oneIn(6) ? 2182 : 2181,
      isObserver: dice.oneIn(observeOneIn),
    };
  }

  /** Both networks, or one of them. */
  #hosts(sid: number): readonly string[] {
    const both = hostsOf(sid, true);
    return this.#dice.oneIn(8) ? [this.#dice.pick(both)] : both;
  }
}

/** A whole change; the first place is that of member 1. */
export function changeTo(places: readonly MemberPlace[]): ReconfigRequest {
  const lines = places.flatMap((place, i) => (place.isGone === true ? [] : [memberLine(i + 1, place)]));
  return { op: "reconfig", newMembers: lines.join("\n") };
}

/** As /zookeeper/config has it. */
export function memberLine(sid: number, place: MemberPlace = {}): string {
  const { quorumPort = 2888, electionPort = 3888, clientPort = 2181, isObserver = false } = place;
  const addresses = (place.hosts ?? hostsOf(sid)).map((host) => `${host}:${quorumPort}:${electionPort}`);
  const role = isObserver ? "observer" : "participant";
  return `server.${sid}=${addresses.join("|")}:${role};${hostOf(sid)}:${clientPort}`;
}

/** The name of a member's machine, where its clients find it. */
export function hostOf(sid: number): string {
  return `s${sid}`;
}

/** Where other members find it: there as well, or in two networks that are theirs alone. */
export function hostsOf(sid: number, haveTwoAddresses = false): readonly string[] {
  const host = hostOf(sid);
  return haveTwoAddresses ? [`${host}a`, `${host}b`] : [host];
}

/** Two or three groups of these voters, who weigh as much as dice say; as /zookeeper/config has them. */
export function groupLines(dice: Dice, voters: readonly number[]): string[] {
  const groups = new Map<number, number[]>();
  const count = 2 + dice.below(2);
  for (const [i, sid] of voters.entries()) {
    const gid = 1 + (i % count);
    groups.set(gid, [...(groups.get(gid) ?? []), sid]);
  }
  // Somebody has to weigh something.
  const weights = voters.map((sid, i) => `weight.${sid}=${i === 0 ? 1 : dice.pick([1, 1, 1, 2, 0])}`);
  return [...[...groups].map(([gid, sids]) => `group.${gid}=${sids.join(":")}`), ...weights];
}
