/**
 * A process of a workload: a client that does one thing after the other for as long as the round lasts. When its connection is
 * lost it connects to any member again, with the same session where that lives; what was under way then has an unknown result.
 */

import { setTimeout as delay } from "node:timers/promises";
import { nodeWire } from "#host/node/wire.ts";
import { type ClientTimes, RecordingClient, type ServerPlace } from "../../test/history/recording-client.ts";
import type { Dice } from "../../test/sim/schedule.ts";
import type { Request } from "../../test/support/requests.ts";
import { Cursor } from "../../test/support/wire-frames.ts";
import type { Operation, Value } from "./operations.ts";

/** As a server answered; null when the connection was lost before. */
export type Answer = { readonly err: number; readonly body: Cursor } | null;

/** What came of an operation. */
export interface Outcome {
  readonly type: Operation["type"];
  readonly result?: Value;
}

export const clientTimes: ClientTimes = { sessionTimeoutMs: 8_000, requestTimeoutMs: 3_000, pingMs: 1_000 };
const pollMs = 10;

/** The round is over, for whoever still wants to do something. */
class RoundOver extends Error {
  constructor() {
    super("no member lets the client in");
  }
}

export class Process {
  readonly client: RecordingClient;
  readonly dice: Dice;
  readonly #record: (operation: Operation) => void;
  readonly #workload: string;
  readonly #number: number;
  /** Until when it may do something. */
  #deadlineMs = Number.POSITIVE_INFINITY;

  constructor(parts: {
    number: number;
    workload: string;
    dice: Dice;
    servers: readonly ServerPlace[];
    wasOutOfTouch: (server: string, atMs: number) => boolean;
    record: (operation: Operation) => void;
    broken: (error: unknown) => void;
  }) {
    this.dice = parts.dice;
    this.#record = parts.record;
    this.#workload = parts.workload;
    this.#number = parts.number;
    this.client = new RecordingClient({
      number: parts.number,
      host: {
        wire: nodeWire,
        nowMs: now,
        after: (delayMs, action) => void setTimeout(action, delayMs),
        pick: (servers) => this.dice.pick(servers),
        broken: parts.broken,
      },
      servers: parts.servers,
      times: clientTimes,
      wasOutOfTouch: parts.wasOutOfTouch,
    });
  }

  get number(): number {
    return this.#number;
  }

  /** From then on whatever waits for a connection gives up. */
  endAt(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs;
  }

  /** Does something once it is connected, and writes down what came of it. */
  async operate(f: string, value: Value, act: () => Promise<Outcome>): Promise<Outcome> {
    await this.#attached();
    const invokedMs = now();
    const outcome = await act();
    const { type, result = null } = outcome;
    const [workload, process] = [this.#workload, this.#number];
    this.#record({ workload, process, f, value, type, result, invokedMs, completedMs: now() });
    return outcome;
  }

  /** Asks without an operation: what is done before and after them. @throws Error when it is refused. */
  async insist(request: Request, ...accepted: readonly number[]): Promise<Cursor> {
    for (;;) {
      await this.#attached();
      const answer = await this.ask(request);
      if (answer === null) continue;
      if (answer.err !== 0 && !accepted.includes(answer.err)) {
        throw new Error(`${JSON.stringify(request, bigintAsText)}: error ${answer.err}`);
      }
      return answer.body;
    }
  }

  ask(request: Request): Promise<Answer> {
    return new Promise((resolve) => {
      if (!this.client.isAttached) {
        resolve(null);
        return;
      }
      this.client.ask(request, (call, body) => {
        resolve(call.answer === null ? null : { err: call.answer.err, body: new Cursor(body!) });
      });
    });
  }

  /** Ends its session, once it is connected. */
  async leave(): Promise<void> {
    await this.#attached();
    this.client.leave([]);
    while (this.client.isConnected) await delay(pollMs);
    this.client.stop();
  }

  async #attached(): Promise<void> {
    while (!this.client.isAttached) {
      if (now() > this.#deadlineMs) throw new RoundOver();
      this.client.connect();
      await delay(pollMs);
    }
  }
}

/** By the machine's clock, which the servers' transactions have as well, and finer. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
