/**
 * A server and its model side by side: both are given the same steps, and after each step every connection must have
 * been sent the same.
 */

import { expect } from "vitest";
import { highOf, longOf, lowOf } from "#base/zxid.ts";
import { writePassword } from "#session/password.ts";
import { WatchMode, type WatchTable } from "#tree/watch-table.ts";
import { addresses, type Step } from "./operations.ts";
import { firstSessionId, type HarnessConnection, type HarnessOptions, PipelineHarness } from "./pipeline-harness.ts";
import { line } from "./requests.ts";
import { ModelConnection, ServerModel } from "./server-model.ts";
import { dumpTree, expectAclsCounted, expectCountsRight } from "./tree-dump.ts";

interface Seat {
  readonly real: HarnessConnection;
  readonly model: ModelConnection;
}

const timeoutMs = 30_000;

export class Duel {
  readonly harness: PipelineHarness;
  readonly model: ServerModel;
  readonly #seats: (Seat | undefined)[] = [];
  /** Connections that somebody else has taken the seat of, or that are gone. */
  readonly #former: Seat[] = [];

  constructor(options: HarnessOptions) {
    this.harness = new PipelineHarness(options);
    this.model = new ServerModel({
      isTtlEnabled: options.extendedTypesEnabled ?? true,
      isQuotaEnforced: options.enforceQuota ?? false,
      firstSessionId,
    });
  }

  step(step: Step): void {
    this.#take(step);
    for (const seat of this.#seats) if (seat !== undefined) expectSame(seat);
  }

  /** Lets everything in flight end and compares what is left. */
  finish(): void {
    this.#durable(this.model.pendingCount);
    for (const seat of [...this.#former, ...this.#seats]) if (seat !== undefined) expectSame(seat);
    const { database, pipeline, writes } = this.harness;
    const { tree } = database;
    expect(database.applier.digestMismatchCount, "transactions with another digest than the tree's").toBe(0);
    expect(dumpTree(tree)).toEqual(this.#modelTree());
    expect(BigInt.asUintN(64, longOf(tree.digest.high, tree.digest.low))).toBe(this.model.tree.digest());
    expect(this.#realSessions()).toEqual(this.#modelSessions());
    this.#expectSameWatches("data", tree.watches.data);
    this.#expectSameWatches("child", tree.watches.child);
    expect(writes.preparer.changes.length, "changes in flight").toBe(0);
    expect(pipeline.inProcess, "requests in process").toBe(0);
    expectAclsCounted(tree);
    expectCountsRight(tree);
  }

  #take(step: Step): void {
    const { harness, model } = this;
    switch (step.do) {
      case "send":
        this.#send(step.client, step.request);
        return;
      case "durable":
        this.#durable(Math.min(step.count, model.pendingCount));
        return;
      case "drop":
        this.#drop(step.client);
        return;
      case "open": {
        this.#leave(step.client);
        const seat = this.#sit(step.client, harness.connect(addresses[step.client]!, { timeoutMs }));
        model.open(seat.model, timeoutMs, harness.nowMs);
        return;
      }
      case "renew":
        this.#renew(step.client, step.isPasswordRight);
        return;
      case "expire": {
        const session = this.#seats[step.client]?.model.session;
        if (session === undefined || session === null || session.isClosing || !session.isCommitted) return;
        const { sessions } = harness.database;
        harness.expire(sessions.get(highOf(session.id), lowOf(session.id))!);
        model.expire(session, harness.nowMs);
        return;
      }
      case "reap":
        harness.reap(step.path);
        model.reap(step.path, harness.nowMs);
        return;
      case "wait":
        harness.nowMs += step.ms;
    }
  }

  #send(client: number, request: Parameters<ServerModel["request"]>[1]): void {
    const seat = this.#seats[client];
    if (seat === undefined || !seat.model.isAttached || !seat.model.isOpen) return;
    const xid = this.harness.request(seat.real, request);
    this.model.request(seat.model, request, xid, this.harness.nowMs);
  }

  #durable(count: number): void {
    this.harness.durable(count);
    for (let i = 0; i < count; i++) this.model.durable();
    expect(this.harness.database.tree.lastZxidLow).toBe(Number(this.model.lastZxid));
  }

  #drop(client: number): void {
    const seat = this.#seats[client];
    if (seat === undefined || !seat.model.isOpen) return;
    seat.real.closeNow();
    this.model.drop(seat.model);
  }

  /** Gets up without a word: the connection stays as it is, or goes. */
  #leave(client: number): void {
    this.#drop(client);
    const seat = this.#seats[client];
    if (seat !== undefined) this.#former.push(seat);
  }

  /** Comes back to the session of the seat; its old connection may still be there. */
  #renew(client: number, isPasswordRight: boolean): void {
    const old = this.#seats[client];
    const session = old?.model.session;
    if (old === undefined || session === undefined || session === null) return;
    const password = Buffer.alloc(16);
    if (isPasswordRight) writePassword(highOf(session.id), lowOf(session.id), password, 0);
    this.#former.push(old);
    const real = this.harness.connect(addresses[client]!, { sessionId: session.id, password, timeoutMs });
    const seat = this.#sit(client, real);
    seat.model.session = session;
    this.model.renew(seat.model, session.id, isPasswordRight, timeoutMs);
  }

  #sit(client: number, real: HarnessConnection): Seat {
    const seat = { real, model: new ModelConnection(addresses[client]!) };
    this.#seats[client] = seat;
    return seat;
  }

  #modelTree(): Record<string, string> {
    const { tree } = this.model;
    const znodes: Record<string, string> = {};
    for (const znode of tree.znodes.values()) {
      const { data, acl, kind, owner, cversion } = znode;
      znodes[znode.path] =
        `${line.stat(tree.stat(znode))} ${line.data(data)} ${line.acl(acl)} ${kind} ${owner} ${cversion}`;
    }
    return znodes;
  }

  /** Sessions with their ephemerals; and what is left of ephemerals without a session. */
  #realSessions(): string[] {
    const { sessions, tree } = this.harness.database;
    const lines: string[] = [];
    sessions.forEach(({ idHigh, idLow }) => {
      const ids = [...(tree.owned.bySession.get(idHigh, idLow) ?? [])];
      lines.push(`${longOf(idHigh, idLow)} ${line.names(ids.map((id) => tree.pathOf(id)))}`);
    });
    return lines.sort();
  }

  #modelSessions(): string[] {
    const { sessions, tree } = this.model;
    const lines = [...sessions.keys()].map((id) => `${id} ${line.names(tree.ephemeralsOf(id).map((z) => z.path))}`);
    return lines.sort();
  }

  #expectSameWatches(which: "data" | "child", table: WatchTable): void {
    const expected: string[] = [];
    for (const [path, watchers] of this.model.watches[which]) {
      for (const [connection, modes] of watchers) {
        const real = [...this.#seats, ...this.#former].find((seat) => seat?.model === connection)!.real;
        const key = Buffer.from(path).toString("latin1");
        const found = table.modesOf(key, real.client.number);
        const sum = [...modes].reduce((bits, mode) => bits | WatchMode[mode], 0);
        expected.push(`${path} ${sum}`);
        expect(`${path} ${found}`).toBe(expected.at(-1));
      }
    }
    expect(table.size, `${which} watches`).toBe(expected.length);
    expect(table.pathCount).toBe(this.model.watches[which].size);
  }
}

function expectSame({ real, model }: Seat): void {
  const { transcript } = real;
  const expected = model.isCut ? model.transcript.slice(0, transcript.length) : model.transcript;
  const isSame = transcript.length === expected.length && transcript.every((text, i) => text === expected[i]);
  if (!isSame) expect(transcript).toEqual(expected);
}
