/** Requests that wait: kept whole though their frames are gone, let out in order, at their time. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Identity } from "#auth/identity.ts";
import { Client, type ClientLink } from "#pipeline/client.ts";
import { Incoming } from "#pipeline/incoming.ts";
import { ParkedRequests } from "#pipeline/parked-requests.ts";

const noLink: ClientLink = {
  send: () => true,
  isHeldBack: false,
  isResting: false,
  rest: () => {},
  isFull: false,
  full: () => {},
  hasRoom: () => {},
  closeAfterSending: () => {},
  closeNow: () => {},
  sessionAnswered: () => {},
  pauseReading: () => {},
  resumeReading: () => {},
};
const client = new Client({ number: 1, link: noLink, remoteAddress: "10.0.0.1", remotePort: 1, wallMs: 0 });

function incomingOf(frame: Buffer, identities: readonly Identity[], receivedMs: number): Incoming {
  const incoming = new Incoming();
  incoming.client = client;
  incoming.bytes = Buffer.concat([Buffer.from("before"), frame, Buffer.from("behind")]);
  incoming.start = 6;
  incoming.end = 6 + frame.length;
  incoming.identities = identities;
  incoming.receivedMs = receivedMs;
  return incoming;
}

/** The front request's frame, credentials and time. */
function front(parked: ParkedRequests): { frame: string; identities: readonly Identity[]; receivedMs: number } {
  const incoming = new Incoming();
  parked.front(client, incoming);
  const { bytes, start, end, identities, receivedMs } = incoming;
  expect(incoming.client).toBe(client);
  return { frame: bytes.toString("latin1", start, end), identities, receivedMs };
}

describe("parked requests", () => {
  test("come out as they went in, in order, when their writes are answered", () => {
    const move = fc.oneof(
      fc.record({ do: fc.constant("push" as const), length: fc.nat(3000), writes: fc.nat(3) }),
      fc.record({ do: fc.constant("answer" as const) }),
    );
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const parked = new ParkedRequests();
        const twin: { frame: string; after: number; identities: Identity[]; receivedMs: number }[] = [];
        let submitted = 0;
        let answered = 0;
        for (const [i, each] of moves.entries()) {
          if (each.do === "push") {
            submitted += each.writes;
            const frame = Buffer.alloc(each.length, i);
            const identities = [{ scheme: "digest", id: String(i) }];
            const incoming = incomingOf(frame, identities, i);
            parked.push(incoming, submitted);
            incoming.bytes.fill(0xdb);
            twin.push({ frame: frame.toString("latin1"), after: submitted, identities, receivedMs: i });
          } else if (answered < submitted) {
            answered++;
          }
          while (parked.isReady(answered)) {
            const { after, ...expected } = twin.shift()!;
            expect(after).toBeLessThanOrEqual(answered);
            expect(front(parked)).toEqual(expected);
            parked.shift();
          }
          expect(twin[0] === undefined || twin[0].after > answered).toBe(true);
          expect(parked.length).toBe(twin.length);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test("are gone after a clear, and the next one comes out right", () => {
    const parked = new ParkedRequests();
    for (let i = 0; i < 3; i++) parked.push(incomingOf(Buffer.from(`frame ${i}`), [], i), 0);
    parked.shift();
    parked.clear();
    expect(parked.length).toBe(0);
    expect(parked.isReady(9)).toBe(false);
    parked.push(incomingOf(Buffer.from("next"), [], 7), 0);
    expect(front(parked)).toEqual({ frame: "next", identities: [], receivedMs: 7 });
  });

  test("take no more room than those that wait, however many have come and gone", () => {
    const parked = new ParkedRequests();
    for (let i = 0; i < 5; i++) parked.push(incomingOf(Buffer.alloc(100, i), [], i), 0);
    for (let i = 5; i < 5000; i++) {
      parked.push(incomingOf(Buffer.alloc(100, i), [], i), 0);
      expect(front(parked).receivedMs).toBe(i - 5);
      expect(front(parked).frame).toBe(Buffer.alloc(100, i - 5).toString("latin1"));
      parked.shift();
    }
    const incoming = new Incoming();
    parked.front(client, incoming);
    expect(incoming.bytes.length).toBeLessThan(16_384);
  });

  test("remember that they waited too long", () => {
    const parked = new ParkedRequests();
    for (const isThrottled of [true, false]) {
      const incoming = incomingOf(Buffer.from("x"), [], 0);
      incoming.isThrottled = isThrottled;
      parked.push(incoming, 0);
    }
    const seen = [0, 1].map(() => {
      const incoming = new Incoming();
      parked.front(client, incoming);
      parked.shift();
      return incoming.isThrottled;
    });
    expect(seen).toEqual([true, false]);
  });
});
