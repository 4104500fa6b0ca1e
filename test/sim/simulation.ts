/**
 * A run of which dice decide everything, from a seed: how large the ensemble is and how slow, what clients ask for, what
 * befalls whom and when. A seed fails always or never, and says where.
 */

import { Faults } from "./faults.ts";
import { groupLines, MemberChanges } from "./member-changes.ts";
import { leadersServeNobody, localSessions, type Mode, observerMasters, oneVoter, readOnly } from "./modes.ts";
import { OracleOperator, oraclePath } from "./oracle-operator.ts";
import { Dice } from "./schedule.ts";
import { SimEnsemble } from "./sim-ensemble.ts";
import type { SimMember } from "./sim-member.ts";
import { Workload } from "./workload.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** Told every line that a member logs, and what befalls them. */
  readonly onLine?: (line: string) => void;
}

/** What a run went through. */
export interface RunReport {
  readonly virtualMs: number;
  readonly events: number;
  readonly calls: number;
  readonly acknowledged: number;
  readonly elections: number;
  readonly reconfigs: number;
  readonly syncs: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
}

export class Simulation {
  readonly ensemble: SimEnsemble;
  readonly #faults: Faults;
  readonly #workload: Workload;
  /** How long things take to come about, in each step of the trouble. */
  readonly #stepMsMax: number;
  /** What is not mended in the end. */
  readonly #lostAddresses: readonly string[];

  constructor({ seed, onLine }: SimulationOptions) {
    const dice = new Dice(seed, "shape");
    const treeDice = new Dice(seed, "trees");
    const isNarrow = treeDice.oneIn(3);
    const memberDice = new Dice(seed, "members");
    const hasOracle = new Dice(seed, "oracle").oneIn(8);
    const isReconfigEnabled = memberDice.oneIn(3);
    const modeDice = new Dice(seed, "modes");
    const areSessionsLocal = modeDice.oneIn(4);
    const isReadOnlyEnabled = modeDice.oneIn(4);
    const doFollowersServeObservers = modeDice.oneIn(3);
    const areLeadersBusy = modeDice.oneIn(5);
    this.#stepMsMax = dice.pick([20, 100, 600, 2_000]);
    const quorumDice = new Dice(seed, "quorums");
    const hasGroups = quorumDice.oneIn(5) && !hasOracle;
    const mayOneVote = quorumDice.oneIn(4);
    const drawnVoters = dice.pick([3, 3, 3, 5]);
    const voters = hasOracle ? 2 : drawnVoters;
    const changingModes = drawModes(new Dice(seed, "mode changes"), isReconfigEnabled);
    const addressDice = new Dice(seed, "addresses");
    const haveTwoAddresses = addressDice.oneIn(4);
    this.ensemble = new SimEnsemble({
      seed,
      voters,
      // Room for members that have nobody in common with those before.
      observers:
        dice.pick([0, 0, 1]) + (isReconfigEnabled ? memberDice.below(4) : 0) + (doFollowersServeObservers ? 1 : 0),
      quorumLines: hasGroups
        ? groupLines(
            quorumDice,
            Array.from({ length: voters }, (_, i) => i + 1),
          )
        : [],
      haveTwoAddresses,
      clients: 1 + dice.below(4),
      networkMsMax: dice.pick([2, 10, 50]),
      diskMsMax: dice.pick([1, 5, 20]),
      isNarrow,
      config: {
        snapCount: dice.pick([5, 20, 100]),
        preAllocSize: dice.pick([0, 4, 64]),
        snapshotSizeFactor: dice.pick(["0.33", "0", "-1"]),
        forceSnapshotSync: dice.oneIn(6) || (isNarrow && treeDice.oneIn(2)),
        ...(isReconfigEnabled ? { reconfigEnabled: true, skipACL: "yes" } : {}),
        ...(areSessionsLocal ? localSessions.on.lines : {}),
        ...(doFollowersServeObservers ? observerMasters.on.lines : {}),
        ...(areLeadersBusy ? leadersServeNobody.on.lines : {}),
        ...(mayOneVote ? oneVoter.on.lines : {}),
        ...(hasOracle ? { oraclePath } : {}),
        ...(haveTwoAddresses && addressDice.oneIn(3) ? { quorumListenOnAllIPs: true } : {}),
        // Some thirty transactions, and the epoch's numbers are nearly used up.
        ...(memberDice.oneIn(8) ? { "testingonly.initialZxid": 0xfffffffe - 2 ** 24 - 30 } : {}),
      },
      properties: isReadOnlyEnabled ? readOnly.on.properties! : {},
      changingModes,
      ...(onLine === undefined ? {} : { onLine }),
    });
    const { schedule, network, members } = this.ensemble;
    const version = (): bigint => this.ensemble.leader?.server?.views.committed.version ?? 0n;
    const changes = isReconfigEnabled
      ? new MemberChanges({ dice: memberDice, count: members.length, version, haveTwoAddresses, hasOracle })
      : null;
    this.#workload = new Workload(new Dice(seed, "work"), changes);
    const faultDice = new Dice(seed, "faults");
    const oracle = hasOracle ? new OracleOperator(members, members.slice(0, voters), new Dice(seed, "words")) : null;
    this.#faults = new Faults({
      dice: faultDice,
      schedule,
      network,
      members,
      oracle,
      modes: changingModes,
      onLine: onLine ?? (() => {}),
    });
    // Whom a change has left with one address needs that one.
    this.#lostAddresses = haveTwoAddresses && !isReconfigEnabled ? lostAddresses(addressDice, members) : [];
  }

  async run(): Promise<RunReport> {
    const { ensemble } = this;
    await ensemble.setUp();
    await this.#trouble();
    await ensemble.heal(this.#lostAddresses);
    ensemble.judge();
    const { calls } = ensemble;
    return {
      virtualMs: ensemble.schedule.nowMs,
      events: ensemble.events,
      calls: calls.length,
      acknowledged: calls.filter(({ answer }) => answer !== null).length,
      elections: ensemble.elections,
      reconfigs: ensemble.reconfigs,
      syncs: ensemble.syncs,
      faults: this.#faults.counts,
    };
  }

  async #trouble(): Promise<void> {
    const { ensemble } = this;
    const { dice } = this.#faults;
    const rounds = 5 + dice.below(30);
    ensemble.onLeader = (member) => this.#faults.leaderBegins(member);
    ensemble.onSync = (mode, leader, learner) => {
      if (mode === "SNAP") this.#writeMeanwhile();
      this.#faults.syncBegins(leader, learner);
    };
    for (let round = 0; round < rounds; round++) {
      await ensemble.pass(dice.skewed(this.#stepMsMax));
      for (const client of ensemble.clients) this.#workload.give(client);
      if (dice.oneIn(2)) continue;
      // In the middle of what was just asked for, more often than not.
      if (dice.below(3) > 0) await ensemble.pass(dice.skewed(60));
      this.#faults.befall();
    }
    ensemble.onLeader = () => {};
    ensemble.onSync = () => {};
  }

  /** A tree that nobody changes on its way is no test of one that somebody does. */
  #writeMeanwhile(): void {
    const { schedule, clients } = this.ensemble;
    for (const afterMs of [1, 5, 15]) {
      schedule.after(afterMs, () => {
        for (const client of clients) this.#workload.give(client);
      });
    }
  }
}

/** Of one run in three, those that change while it lasts. */
function drawModes(dice: Dice, isReconfigEnabled: boolean): Mode[] {
  if (!dice.oneIn(3)) return [];
  const all = [localSessions, readOnly, observerMasters, leadersServeNobody, ...(isReconfigEnabled ? [] : [oneVoter])];
  return all.filter(() => dice.oneIn(2));
}

/** Of some members one address, in the same network; or of none. */
function lostAddresses(dice: Dice, members: readonly SimMember[]): string[] {
  if (dice.oneIn(3)) return [];
  const network = dice.below(2);
  return members.filter(() => dice.below(3) > 0).map(({ node }) => node.innerAddresses[network]!);
}
