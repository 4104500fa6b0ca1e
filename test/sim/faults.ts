/**
 * What befalls an ensemble. Each run draws which faults it knows: a run that never mends, or only clogs, comes to places that one
 * which does everything does not.
 *
 *   machines   killed, bounced (and up again at once), power lost (of one, of all), paused, clock set; leaders that die young,
 *              learners that die while they are brought up to date, alone or with their leader
 *   links      cut, isolated, clogged for a while; mended
 *   addresses  dark for a while, where members have two: one of one member's, or one of everybody's
 *   oracle     its word given, taken back, where two voters have one
 *   modes      a server is killed, and starts again with another setting
 *   disks      broken (calls fail; the server is to end itself), wiped
 */

import { type Mode, settingsText } from "./modes.ts";
import type { OracleOperator } from "./oracle-operator.ts";
import type { Dice, Schedule } from "./schedule.ts";
import type { SimMember } from "./sim-member.ts";
import type { SimNetwork, SimNode } from "./sim-network.ts";

interface Fault {
  readonly name: string;
  /** How often it is drawn, beside the others. */
  readonly weight: number;
  act(member: SimMember): void;
}

export class Faults {
  readonly dice: Dice;
  /** How often each came about. */
  readonly counts: Map<string, number> = new Map();
  readonly #schedule: Schedule;
  readonly #network: SimNetwork;
  readonly #members: readonly SimMember[];
  readonly #oracle: OracleOperator | null;
  readonly #onLine: (line: string) => void;
  /** Each as often as it weighs. */
  readonly #drawn: readonly Fault[];
  readonly #leadersDieYoung: boolean;
  readonly #learnersDieYoung: boolean;

  constructor(parts: {
    dice: Dice;
    schedule: Schedule;
    network: SimNetwork;
    members: readonly SimMember[];
    oracle: OracleOperator | null;
    /** Those that change while the ensemble runs. */
    modes: readonly Mode[];
    onLine: (line: string) => void;
  }) {
    this.dice = parts.dice;
    this.#schedule = parts.schedule;
    this.#network = parts.network;
    this.#members = parts.members;
    this.#oracle = parts.oracle;
    this.#onLine = parts.onLine;
    const always = [...this.#remedies(), ...this.#machineFaults().slice(0, 1), ...this.#oracleWords(parts.oracle)];
    const some = [
      ...this.#machineFaults().slice(1),
      ...this.#linkFaults(),
      ...this.#diskFaults(),
      ...this.#addressFaults(),
      ...this.#modeChanges(parts.modes),
    ];
    const known = [...always, ...some.filter(() => this.dice.below(3) > 0)];
    this.#leadersDieYoung = this.dice.oneIn(2);
    this.#learnersDieYoung = this.dice.oneIn(2);
    this.#drawn = known.flatMap((fault) => Array.from({ length: fault.weight }, () => fault));
  }

  /** One of them happens to somebody. */
  befall(): void {
    this.dice.pick(this.#drawn).act(this.dice.pick(this.#members));
  }

  /** A member begins to lead: it may die before anybody else has what it has. */
  leaderBegins(member: SimMember): void {
    const { dice } = this;
    if (!this.#leadersDieYoung || dice.oneIn(2)) return;
    this.#schedule.after(dice.skewed(100), () => {
      this.#toRunning("died young", member, () => member.crash(dice.oneIn(2)));
    });
  }

  /**
   * A leader begins to bring a learner up to date: the learner's power may go between what it is sent and its disk. It is back
   * soon, and its leader perhaps gone, so that it meets those who have what it was to get.
   */
  syncBegins(leader: SimMember, learner: SimMember): void {
    const { dice } = this;
    if (!this.#learnersDieYoung || dice.oneIn(2)) return;
    const withLeader = dice.oneIn(2);
    this.#schedule.after(dice.skewed(150), () => {
      this.#toRunning("learner died", learner, () => learner.crash(!dice.oneIn(4)));
      if (withLeader) this.#toRunning("died with its learner", leader, () => leader.crash(dice.oneIn(2)));
      this.#schedule.after(dice.skewed(300), () => {
        if (!learner.isUp) learner.start();
      });
    });
  }

  #remedies(): Fault[] {
    return [
      { name: "started", weight: 3, act: () => this.#startOne() },
      {
        name: "all started",
        weight: 1,
        act: () => {
          for (const member of this.#down()) this.#note("started", member, () => member.start());
        },
      },
      {
        name: "mended",
        weight: 1,
        act: (member) => this.#note("mended", member, () => this.#network.heal()),
      },
    ];
  }

  #machineFaults(): Fault[] {
    const { dice } = this;
    return [
      { name: "killed", weight: 2, act: (member) => this.#toRunning("killed", member, () => member.crash(false)) },
      { name: "bounced", weight: 2, act: (member) => this.#toRunning("bounced", member, () => this.#bounce(member)) },
      {
        name: "power lost",
        weight: 1,
        act: (member) => this.#toRunning("power lost", member, () => member.crash(true)),
      },
      {
        name: "all power lost",
        weight: 1,
        act: () => {
          if (dice.oneIn(2)) return;
          for (const member of this.#members) this.#toRunning("power lost", member, () => member.crash(true));
        },
      },
      {
        name: "paused",
        weight: 1,
        act: (member) => {
          this.#toRunning("paused", member, () => member.pause(dice.skewed(dice.pick([300, 6_000]))));
        },
      },
      {
        name: "clock set",
        weight: 1,
        act: (member) => {
          this.#note("clock set", member, () => {
            member.wallOffsetMs = (dice.below(3) - 1) * dice.skewed(3_600_000);
          });
        },
      },
    ];
  }

  #linkFaults(): Fault[] {
    const { dice } = this;
    const network = this.#network;
    return [
      {
        name: "cut",
        weight: 1,
        act: ({ node }) => {
          const other = dice.pick(this.#members);
          this.#note("cut", other, () => network.cut(node.name, other.node.name));
          if (dice.oneIn(2)) network.cut(other.node.name, node.name);
        },
      },
      {
        name: "isolated",
        weight: 1,
        act: (member) => {
          this.#note("isolated", member, () => {
            for (const { node } of this.#members) {
              network.cut(member.node.name, node.name);
              network.cut(node.name, member.node.name);
            }
          });
        },
      },
      {
        name: "clogged",
        weight: 1,
        act: (member) => {
          const [from, to] = [member.node.name, dice.pick(this.#members).node.name];
          this.#note("clogged", member, () => network.cut(from, to));
          this.#schedule.after(dice.skewed(3_000), () => network.heal(from, to));
        },
      },
    ];
  }

  #addressFaults(): Fault[] {
    if (this.#members.every(({ node }) => node.innerAddresses.length === 0)) return [];
    const { dice } = this;
    return [
      {
        name: "address dark",
        weight: 2,
        act: (member) => {
          const hit = dice.oneIn(3) ? this.#members : [member];
          const lost = dice.below(2);
          const forMs = dice.skewed(20_000);
          this.#note("address dark", member, () => {
            for (const { node } of hit) this.#darken(node, lost, forMs);
          });
        },
      },
    ];
  }

  /** The other one is there, so that it can always be reached. */
  #darken({ innerAddresses }: SimNode, lost: number, forMs: number): void {
    const address = innerAddresses[lost]!;
    this.#network.darken(address);
    this.#network.lighten(innerAddresses[1 - lost]!);
    this.#schedule.after(forMs, () => this.#network.lighten(address));
  }

  #modeChanges(modes: readonly Mode[]): Fault[] {
    if (modes.length === 0) return [];
    const { dice } = this;
    return [
      {
        name: "mode changed",
        weight: 2,
        act: (member) => {
          const { on, off } = dice.pick(modes);
          const settings = dice.oneIn(2) ? on : off;
          this.#note("mode changed", member, () => {
            this.#onLine(`${this.#schedule.nowMs.toFixed(2)} --- ${member.sid} has ${settingsText(settings)}`);
            if (member.isUp) this.#bounce(member);
            member.set(settings);
          });
        },
      },
    ];
  }

  #oracleWords(oracle: OracleOperator | null): Fault[] {
    if (oracle === null) return [];
    return [
      {
        name: "word given",
        weight: 3,
        act: () => {
          const candidate = oracle.candidate();
          if (candidate !== null) this.#note("word given", candidate, () => oracle.give(candidate));
        },
      },
      {
        name: "word taken back",
        weight: 2,
        act: () => {
          const { chosen } = oracle;
          if (chosen !== null) this.#note("word taken back", chosen, () => oracle.takeBack());
        },
      },
    ];
  }

  #diskFaults(): Fault[] {
    const { dice } = this;
    return [
      {
        name: "disk broken",
        weight: 1,
        act: (member) => this.#toRunning("disk broken", member, () => member.breakDisk(1 + dice.below(20))),
      },
      { name: "wiped", weight: 1, act: (member) => this.#wipe(member) },
    ];
  }

  /** It dies, and something starts it again at once. */
  #bounce(member: SimMember): void {
    member.crash(this.dice.oneIn(4));
    this.#schedule.after(this.dice.skewed(100), () => {
      if (!member.isUp) member.start();
    });
  }

  #down(): SimMember[] {
    return this.#members.filter(({ isUp }) => !isUp);
  }

  #startOne(): void {
    const down = this.#down();
    if (down.length === 0) return;
    const member = this.dice.pick(down);
    this.#note("started", member, () => member.start());
  }

  /** Who has lost its disk may not help to elect anybody, so this is done when all others have what any of them has. */
  #wipe(member: SimMember): void {
    const others = this.#members.filter((one) => one !== member);
    if (!others.every(({ isServing }) => isServing) || new Set(others.map(stateOf)).size !== 1) return;
    // A leader has committed what nobody else has heard of yet.
    if (member.server?.peer?.leading !== undefined && member.server?.peer?.leading !== null) return;
    if (this.#oracle?.isDispensable(member) === false) return;
    this.#note("wiped", member, () => {
      member.crash(false);
      member.wipe();
      this.#oracle?.wiped(member);
      member.start();
    });
  }

  #toRunning(what: string, member: SimMember, act: () => void): void {
    if (member.isUp) this.#note(what, member, act);
  }

  #note(what: string, { sid }: SimMember, act: () => void): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    this.#onLine(`${this.#schedule.nowMs.toFixed(2)} --- ${what} ${sid}`);
    act();
  }
}

/** How far a member that serves has come. */
export function stateOf(member: SimMember): string {
  if (!member.isServing) return "down";
  const { tree } = member.database;
  return `${tree.lastZxidHigh} ${tree.lastZxidLow} ${tree.digest.high} ${tree.digest.low}`;
}
