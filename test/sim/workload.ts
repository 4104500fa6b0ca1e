/**
 * What clients ask for: every kind of write, reads with and without watches, syncs, now and then the end of the session. Few
 * names, so that requests meet: what one creates another deletes, and versions are often wrong.
 */

import type { Request, WriteRequest } from "../support/requests.ts";
import { openAcl } from "../support/wire-frames.ts";
import type { MemberChanges } from "./member-changes.ts";
import type { Dice } from "./schedule.ts";
import type { RecordingClient } from "../history/recording-client.ts";

/** Znodes that are there from the beginning. */
export const registers: readonly string[] = ["/r0", "/r1", "/r2"];
/** Znodes that come and go. */
const names = ["/n0", "/n1", "/n0/a", "/n0/b", "/n1/a"];

export class Workload {
  readonly #dice: Dice;
  readonly #changes: MemberChanges | null;
  #nextPayload = 1;

  /** @param changes of the members; null where none may be made. */
  constructor(dice: Dice, changes: MemberChanges | null = null) {
    this.#dice = dice;
    this.#changes = changes;
  }

  /** The client connects, if it is not connected, and asks for something. */
  give(client: RecordingClient): void {
    const dice = this.#dice;
    client.connect();
    for (let count = dice.below(6); count > 0; count--) client.ask(this.#request(client));
    if (this.#changes?.isDue() === true) client.ask(this.#changes.next());
    if (dice.oneIn(20)) client.drop();
    if (dice.oneIn(20)) client.isRestless = dice.oneIn(2);
    if (dice.oneIn(40)) client.leave(dice.oneIn(2) ? [] : [create(`/late-${client.number}`, 1)]);
  }

  #request({ number }: RecordingClient): Request {
    const dice = this.#dice;
    const payload = this.#nextPayload++;
    const watch = dice.oneIn(3);
    switch (dice.below(16)) {
      case 0:
        return create(`/u-${number}-${payload}`);
      case 1:
        return create("/q-", 2);
      case 2:
        return create(`/e-${number}-${payload}`, 1);
      case 3:
        return create("/n0/e-", 3);
      case 4:
        return { op: "multi", parts: this.#parts(payload) };
      case 5:
      case 6:
        return { op: "sync", path: "/" };
      case 7:
        return { op: "exists", path: dice.pick(names), watch };
      case 8:
        return { op: "getChildren2", path: dice.pick(["/", "/n0"]), watch };
      case 9:
      case 10:
      case 11:
        return { op: "getData", path: dice.pick(registers), watch };
      default:
        return this.#change(payload);
    }
  }

  #change(payload: number): WriteRequest {
    const dice = this.#dice;
    switch (dice.below(5)) {
      case 0:
        return create(dice.pick(names));
      case 1:
        return { op: "delete", path: dice.pick(names), version: -1 };
      case 2:
        return { op: "setData", path: dice.pick(registers), data: `p${payload}`, version: dice.below(4) };
      default:
        return { op: "setData", path: dice.pick(registers), data: `p${payload}`, version: -1 };
    }
  }

  #parts(payload: number): WriteRequest[] {
    const dice = this.#dice;
    const parts = Array.from({ length: 1 + dice.below(4) }, () => this.#change(payload));
    return dice.oneIn(2) ? parts : [{ op: "check", path: dice.pick(registers), version: -1 }, ...parts];
  }
}

export function create(path: string, flags = 0): WriteRequest {
  return { op: "create", type: 15, path, data: "", acl: openAcl, flags, ttlMs: 0n };
}
