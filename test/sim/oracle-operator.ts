/**
 * Whoever runs two voters with an oracle (`oraclePath`), and knows what may be said: one at most goes on without the other, and it has all
 * that was ever committed.
 *
 *   nobody has the word    it is given to who is complete
 *   one has it             from now on that one alone is complete; it may be taken back, and given to the same again
 *   both are in step       and nobody has the word: both are complete
 *
 * So the oracle turns to the other only when the two have met: what one has acknowledged alone, and the epochs that it has begun
 * alone, are the other's by then.
 *
 * Who the two are may change. The operator goes by those that were last seen in step, and looks no further: each of them has
 * agreed to whatever change came then, or has the word and made it alone.
 */

import { longOf } from "#base/zxid.ts";
import { stateOf } from "./faults.ts";
import type { Dice } from "./schedule.ts";
import type { SimMember } from "./sim-member.ts";

/** Beside zoo.cfg: who loses its data keeps it. */
export const oraclePath = "/conf/oracle";
const acceptedEpochPath = "/data/version-2/acceptedEpoch";

export class OracleOperator {
  readonly #members: readonly SimMember[];
  readonly #dice: Dice;
  /** The two voters, when they were last in step. */
  #voters: readonly SimMember[];
  /** Who has the word. */
  #chosen: SimMember | null = null;
  /** Who has all that was ever committed, for certain. */
  #complete: ReadonlySet<SimMember>;

  /** @param voters of the members, those of the first configuration. */
  constructor(members: readonly SimMember[], voters: readonly SimMember[], dice: Dice) {
    this.#members = members;
    this.#voters = voters;
    this.#dice = dice;
    this.#complete = new Set(voters);
  }

  /** Who may be given the word now; null while somebody has it, or the one that dice choose may not. */
  candidate(): SimMember | null {
    this.#lookAgain();
    const member = this.#dice.pick(this.#voters);
    return this.#chosen === null && this.#complete.has(member) ? member : null;
  }

  give(member: SimMember): void {
    this.#chosen = member;
    this.#complete = new Set([member]);
    member.disk.put(oraclePath, Buffer.from(this.#dice.pick(["1", "1\n"])));
  }

  /** Who has the word. */
  get chosen(): SimMember | null {
    return this.#chosen;
  }

  takeBack(): void {
    this.#chosen?.disk.put(oraclePath, Buffer.from(this.#dice.pick(["0", ""])));
    this.#chosen = null;
  }

  /** Whether a member may lose its data: it does not have the word, and whoever else votes is complete. */
  isDispensable(member: SimMember): boolean {
    this.#lookAgain();
    return member !== this.#chosen && this.#voters.every((voter) => voter === member || this.#complete.has(voter));
  }

  /** It has lost its data. */
  wiped(member: SimMember): void {
    this.#complete = new Set([...this.#complete].filter((other) => other !== member));
  }

  #lookAgain(): void {
    if (this.#chosen !== null) return;
    const voters = votersInStep(this.#members);
    if (voters === null) return;
    this.#voters = voters;
    this.#complete = new Set(voters);
  }
}

/**
 * Two voters of whom one leads and the other follows it, in the same epoch and by the same configuration, and has all that it has
 * committed; null when there are no such two.
 */
function votersInStep(members: readonly SimMember[]): readonly SimMember[] | null {
  for (const leading of members) {
    if (leading.server?.peer?.leading?.isServing !== true) continue;
    const { views } = leading.server;
    const voters = members.filter(({ sid }) => views.committed.isVoter(BigInt(sid)));
    if (voters.length === 2 && !views.isChanging && areInStep(voters) && hasAppliedAll(leading)) return voters;
  }
  return null;
}

function areInStep(voters: readonly SimMember[]): boolean {
  if (!voters.every(({ isServing }) => isServing)) return false;
  const epochs = voters.map(({ disk }) => disk.get(acceptedEpochPath).toString());
  const versions = voters.map(({ server }) => server!.views.committed.version);
  return [epochs, versions, voters.map(stateOf)].every((ofEach) => ofEach[0] === ofEach[1]);
}

/** Whether nothing is committed and on its way to the tree. */
function hasAppliedAll({ server }: SimMember): boolean {
  const { window, database } = server!.replica!;
  if (window.committedCount === 0) return true;
  const { zxidHigh, zxidLow } = window.at(window.committedCount - 1);
  return longOf(zxidHigh, zxidLow) <= longOf(database.tree.lastZxidHigh, database.tree.lastZxidLow);
}
