/**
 * A plan: everything that clients will do to a server, drawn from a seed before anything is sent. It is data, so it can be
 * kept in a file, played again to any server, and shortened (shrink.ts).
 *
 *   speak     one session sends requests in one piece, or in pieces of some bytes
 *   offend    one request that costs the connection: its answer, and then the end
 *   chorus    several sessions send requests that change nothing, at once
 *   leave     requests, closeSession, and requests behind it that may or may not be heard; a new session comes
 *   arrive    the session ends, and a new one comes with its first requests in one piece with the handshake
 *   return    the session is taken over by another connection
 *   cut       the client disappears, within a frame perhaps; some try the wrong password, then it is back
 *   half      requests, then the sending side ends; the answers are lost
 *   spoil     bytes that end the connection
 *   knock     a stranger's handshake of any kind; a session that begins so is closed
 *   rattle    a stranger's bytes that are no handshake
 *   word      a four-letter word
 *   expire    a session of short timeout speaks, then is silent until it expires
 */

import { drawBatch, drawCalmBatch, drawReads, drawUnheard } from "./batch.ts";
import { frame, int, record } from "./bytes.ts";
import { configurationOf } from "./configurations.ts";
import { connectRequest } from "./connection.ts";
import { Dice } from "./dice.ts";
import { offence } from "./random-requests.ts";
import { frameBytesMax, type Draw } from "./random-values.ts";
import { op, type Asked } from "./requests.ts";

/** How a session's client introduces itself, now and whenever it comes back. */
export interface Manners {
  readonly timeoutMs: number;
  readonly readOnly: boolean | null;
}

/** A handshake; what it says of zxids is relative to the last one that the server has told. */
export interface Hello extends Manners {
  readonly zxidAhead: number;
  readonly protocolVersion: number;
  readonly password: Buffer | null;
  readonly sessionId: bigint;
  /** Bytes of the body that are left out at its end. */
  readonly missing: number;
  /** Bytes behind it in the same frame. */
  readonly behind: number;
}

export type Step =
  | { readonly kind: "speak"; readonly who: number; readonly asked: readonly Asked[]; readonly pieceBytes: number }
  | { readonly kind: "offend"; readonly who: number; readonly asked: readonly Asked[] }
  | { readonly kind: "chorus"; readonly voices: readonly { readonly who: number; readonly asked: readonly Asked[] }[] }
  | {
      readonly kind: "leave";
      readonly who: number;
      readonly asked: readonly Asked[];
      readonly behind: readonly Asked[];
    }
  | { readonly kind: "arrive"; readonly who: number; readonly asked: readonly Asked[] }
  | { readonly kind: "return"; readonly who: number }
  | { readonly kind: "cut"; readonly who: number; readonly partial: Buffer; readonly wrong: readonly (Buffer | null)[] }
  | { readonly kind: "half"; readonly who: number; readonly asked: readonly Asked[] }
  | { readonly kind: "spoil"; readonly who: number; readonly bytes: Buffer }
  | { readonly kind: "knock"; readonly hello: Hello }
  | { readonly kind: "rattle"; readonly bytes: Buffer }
  | { readonly kind: "word"; readonly word: string }
  | { readonly kind: "expire"; readonly who: number; readonly asked: readonly Asked[] };

export interface Plan {
  readonly seed: number;
  readonly configuration: string;
  readonly sessions: readonly Manners[];
  readonly steps: readonly Step[];
}

/** The plan of a seed, of at least `operations` operations: requests, and steps without any. */
export function drawPlan(seed: number, configurationName: string, operations: number): Plan {
  const draw: Draw = { dice: new Dice(seed), configuration: configurationOf(configurationName) };
  const sessions = draw.dice.times(draw.dice.pick([1, 2, 3, 4, 8]), () => manners(draw));
  const steps: Step[] = [];
  for (let count = 0; count < operations;) {
    const step = drawStep(draw, sessions.length);
    count += operationsOf(step);
    steps.push(step);
  }
  return { seed, configuration: configurationName, sessions, steps };
}

/** How many operations a step counts for. */
export function operationsOf(step: Step): number {
  return Math.max(
    1,
    requestLists(step).reduce((sum, list) => sum + list.length, 0),
  );
}

/** The lists of requests of a step. */
export function requestLists(step: Step): (readonly Asked[])[] {
  if (step.kind === "chorus") return step.voices.map((voice) => voice.asked);
  if (step.kind === "leave") return [step.asked, step.behind];
  return "asked" in step ? [step.asked] : [];
}

function manners({ dice }: Draw): Manners {
  return { timeoutMs: dice.pick([30_000, 40_000, 100_000]), readOnly: dice.pick([false, false, true, null]) };
}

function drawStep(draw: Draw, sessionCount: number): Step {
  const { dice } = draw;
  const who = dice.below(sessionCount);
  const throwOf = dice.below(100);
  if (throwOf < 59) return speech(draw, who);
  if (throwOf < 62) return { kind: "offend", who, asked: [offence(draw)] };
  if (throwOf < 68) return chorus(draw, sessionCount);
  if (throwOf < 73) {
    return { kind: "leave", who, asked: drawCalmBatch(draw), behind: dice.isOneIn(2) ? drawReads(draw) : [] };
  }
  if (throwOf < 75) return { kind: "arrive", who, asked: drawBatch(draw) };
  if (throwOf < 78) return { kind: "return", who };
  if (throwOf < 81) return { kind: "cut", who, partial: partialFrame(draw), wrong: wrongPasswords(draw) };
  if (throwOf < 84) return { kind: "half", who, asked: drawUnheard(draw) };
  if (throwOf < 88) return { kind: "spoil", who, bytes: spoilingBytes(draw) };
  if (throwOf < 92) return { kind: "knock", hello: hello(draw) };
  if (throwOf < 94) return { kind: "rattle", bytes: rattlingBytes(draw) };
  if (throwOf < 96) return { kind: "word", word: dice.pick(words) };
  if (draw.configuration.mayExpire && dice.isOneIn(4)) return { kind: "expire", who, asked: drawBatch(draw) };
  return speech(draw, who);
}

function speech(draw: Draw, who: number): Step {
  const pieceBytes = draw.dice.isOneIn(20) ? 1 + draw.dice.below(300) : 0;
  return { kind: "speak", who, asked: drawBatch(draw), pieceBytes };
}

function chorus(draw: Draw, sessionCount: number): Step {
  const voices = Array.from({ length: sessionCount }, (_, who) => ({ who, asked: drawReads(draw) }));
  return { kind: "chorus", voices };
}

/** The beginning of a frame: at least its length is there, and at least its last byte is not. */
function partialFrame(draw: Draw): Buffer {
  const { dice } = draw;
  if (dice.isOneIn(3)) return Buffer.alloc(0);
  const [first] = drawUnheard(draw);
  const whole = first === undefined ? frame(Buffer.alloc(20)) : frame(record(int(5), int(first.op), first.body));
  return whole.subarray(0, dice.below(whole.length));
}

function wrongPasswords({ dice }: Draw): (Buffer | null)[] {
  if (!dice.isOneIn(2)) return [];
  const kinds = [null, Buffer.alloc(0), Buffer.alloc(15, 1), Buffer.alloc(16), Buffer.alloc(16, 255), Buffer.alloc(17)];
  return dice.times(1 + dice.below(2), () => dice.pick(kinds));
}

/** Bytes that end a connection that has a session. */
function spoilingBytes(draw: Draw): Buffer {
  const { dice } = draw;
  const tooLong = frameBytesMax(draw) + 1;
  switch (dice.below(6)) {
    case 0:
      return int(dice.pick([0, -1, -2_147_483_648, 2_147_483_647, tooLong]));
    case 1:
      return frame(dice.bytes(1 + dice.below(7)));
    case 2:
      return Buffer.from(dice.pick(["ruok", "GET / HTTP/1.1\r\n\r\n", "\u0016\u0003\u0001\u0002\u0000"]));
    case 3:
      return frame(record(int(-4), int(op.auth), dice.pick([Buffer.alloc(0), Buffer.alloc(3), int(0), int(1)])));
    case 4:
      return frame(record(int(9), int(op.sasl), int(dice.pick([-1, -2, 2_147_483_647]))));
    default:
      return frame(record(int(5), int(op.create), Buffer.alloc(tooLong - 8)));
  }
}

/** Bytes that end a connection without a session. */
function rattlingBytes(draw: Draw): Buffer {
  const { dice } = draw;
  const tooLong = frameBytesMax(draw) + 1;
  const whole = connectRequest({});
  switch (dice.below(5)) {
    case 0:
      return int(dice.pick([0, -1, -2_147_483_648, 2_147_483_647, tooLong]));
    case 1:
      return frame(whole.subarray(0, dice.below(whole.length - 1)));
    case 2:
      return frame(record(whole.subarray(0, 24), int(dice.pick([-2, 2_147_483_647, 1000])), Buffer.alloc(17)));
    case 3:
      return Buffer.from(dice.pick(["help", "RUOK", "GET / HTTP/1.1\r\n\r\n"]));
    default:
      return Buffer.from("fff4fffd", "hex");
  }
}

function hello(draw: Draw): Hello {
  const { dice } = draw;
  const lengths = [16, 16, 16, 0, 5, 40];
  return {
    timeoutMs: dice.pick([0, -1, -2_147_483_648, 1, 3999, 4000, 4001, 30_000, 40_001, 2_147_483_647]),
    readOnly: dice.pick([null, false, true]),
    zxidAhead: dice.pick([0, 0, 0, -1, 1, 1000, -1_000_000]),
    protocolVersion: dice.pick([0, 0, 0, 1, -1, 77]),
    password: dice.isOneIn(8) ? null : dice.bytes(dice.pick(lengths)),
    sessionId: dice.isOneIn(4) ? dice.pick([1n, -1n, 12_345n, (1n << 63n) - 1n]) : 0n,
    missing: dice.isOneIn(8) ? 1 + dice.below(30) : 0,
    behind: dice.isOneIn(8) ? 1 + dice.below(30) : 0,
  };
}

const words = ["ruok", "isro", "wchs", "gtmk", "wchp", "wchc", "dump", "srst", "crst", "mntr"];
