/** Sessions: what keeps one alive, what ends it, and what a change of role does to it. */

import { describe, expect, test } from "vitest";
import { ErrorCode } from "#protocol/error-code.ts";
import { negotiateTimeout, SessionTracker, sessionTimeoutBounds, type Session } from "#session/session-tracker.ts";

const tickTimeMs = 2000;

function startedTracker(): SessionTracker {
  const tracker = new SessionTracker(tickTimeMs);
  tracker.start(0);
  return tracker;
}

function lows(sessions: readonly Session[]): number[] {
  return sessions.map((session) => session.idLow);
}

describe("negotiation", () => {
  test("a request is brought between two and twenty ticks", () => {
    const bounds = sessionTimeoutBounds(3000);
    expect([-5, 0, 6000, 30_000, 60_000, 2 ** 31 - 1].map((ms) => negotiateTimeout(ms, bounds))).toEqual([
      6000, 6000, 6000, 30_000, 60_000, 60_000,
    ]);
  });

  test("configured bounds take the place of the ticks, each for itself", () => {
    expect(sessionTimeoutBounds(3000, { sessionTimeoutMsMin: 10, sessionTimeoutMsMax: -1 })).toEqual({
      sessionTimeoutMsMin: 10,
      sessionTimeoutMsMax: 60_000,
    });
    expect(sessionTimeoutBounds(3000, { sessionTimeoutMsMin: -1, sessionTimeoutMsMax: 7000 })).toEqual({
      sessionTimeoutMsMin: 6000,
      sessionTimeoutMsMax: 7000,
    });
  });
});

describe("the life of a session", () => {
  test("it expires between its timeout and a tick later, and is closing from then on", () => {
    const tracker = startedTracker();
    const session = tracker.create(1, 1, 4000, 500);
    expect(tracker.expire(5999)).toEqual([]);
    expect(tracker.expire(6000)).toEqual([session]);
    expect(session.isClosing).toBe(true);
    expect(tracker.size).toBe(1);
    expect(tracker.touch(session, 4000, 6001)).toBe(false);
    expect(tracker.expire(100_000)).toEqual([]);
  });

  test("it does not expire when its end is under way already", () => {
    const tracker = startedTracker();
    tracker.create(1, 1, 4000, 0);
    tracker.setClosing(1, 1);
    expect(tracker.expire(100_000)).toEqual([]);
    expect(tracker.size).toBe(1);
  });

  test("a touch restarts its timer with the timeout that the connection negotiated", () => {
    const tracker = startedTracker();
    const session = tracker.create(1, 1, 4000, 0);
    expect(tracker.touch(session, 10_000, 5000)).toBe(true);
    expect(tracker.expire(15_999)).toEqual([]);
    expect(tracker.expire(16_000)).toEqual([session]);
  });

  test("a session can be touched by its id, as a learner's ping does", () => {
    const tracker = startedTracker();
    tracker.create(1, 1, 4000, 0);
    expect(tracker.touchId(1, 1, 4000, 5000)).toBe(true);
    expect(tracker.touchId(1, 2, 4000, 5000)).toBe(false);
    expect(tracker.expire(6000)).toEqual([]);
  });

  test("a closing session cannot be touched, and its timer is not needed any more", () => {
    const tracker = startedTracker();
    const session = tracker.create(1, 1, 4000, 0);
    tracker.setClosing(1, 1);
    tracker.setClosing(9, 9);
    expect(tracker.touch(session, 4000, 1)).toBe(false);
    expect(tracker.remove(1, 1)).toBe(session);
    expect(tracker.expire(100_000)).toEqual([]);
    expect(tracker.size).toBe(0);
  });

  test("a connection that still holds a removed session cannot touch it", () => {
    const tracker = startedTracker();
    const session = tracker.create(1, 1, 4000, 0);
    tracker.remove(1, 1);
    expect(tracker.touch(session, 4000, 1)).toBe(false);
    expect(tracker.get(1, 1)).toBeUndefined();
    expect(tracker.remove(1, 1)).toBeUndefined();
    expect(tracker.expire(100_000)).toEqual([]);
  });

  test("creating a session that is known restarts its timer and keeps it", () => {
    const tracker = startedTracker();
    const session = tracker.create(1, 1, 4000, 0);
    expect(tracker.create(1, 1, 8000, 1000)).toBe(session);
    expect(session.timeoutMs).toBe(4000);
    expect(session.expiryMs).toBe(10_000);
  });

  test("ids that differ in one half only are different sessions", () => {
    const tracker = startedTracker();
    tracker.create(1, 1, 4000, 0);
    tracker.create(2, 1, 4000, 0);
    tracker.create(1, -1, 4000, 0);
    expect(tracker.size).toBe(3);
    expect(tracker.get(1, 0xffffffff)?.idLow).toBe(-1);
  });

  test("the wait is until the next tick", () => {
    expect(startedTracker().waitMs(500)).toBe(1500);
    expect(new SessionTracker(tickTimeMs).waitMs(500)).toBe(tickTimeMs);
  });
});

describe("what is persisted", () => {
  test("a session is part of a snapshot once its transaction was applied", () => {
    const tracker = startedTracker();
    tracker.create(1, 1, 4000, 0);
    expect(tracker.committed()).toEqual([]);
    const session = tracker.commit(1, 1, 4000, 1000);
    expect(tracker.committed()).toEqual([session]);
    expect(session.expiryMs).toBe(6000);
  });

  test("a reattach with another timeout does not change the one that is persisted", () => {
    const tracker = startedTracker();
    const session = tracker.create(1, 1, 4000, 0);
    tracker.commit(1, 1, 4000, 0);
    tracker.touch(session, 30_000, 0);
    expect(tracker.committed().map(({ timeoutMs }) => timeoutMs)).toEqual([4000]);
  });

  test("a session whose transaction comes from elsewhere gets a timer where timers run", () => {
    const tracker = startedTracker();
    const session = tracker.commit(1, 1, 4000, 0);
    expect(tracker.expire(6000)).toEqual([session]);
  });

  test("committing a session that is closing does not start its timer again", () => {
    const tracker = startedTracker();
    tracker.create(1, 1, 4000, 0);
    tracker.expire(6000);
    tracker.commit(1, 1, 4000, 6001);
    expect(tracker.expire(100_000)).toEqual([]);
  });
});

describe("roles", () => {
  test("without timers nothing expires, and touches are taken", () => {
    const tracker = new SessionTracker(tickTimeMs);
    const session = tracker.restore(1, 1, 4000);
    expect(tracker.touch(session, 4000, 0)).toBe(true);
    expect(tracker.expire(1_000_000)).toEqual([]);
  });

  test("a server that takes up timers gives every committed session its full persisted timeout", () => {
    const tracker = new SessionTracker(tickTimeMs);
    tracker.restore(1, 1, 4000);
    tracker.restore(1, 2, 10_000);
    tracker.start(1_000_000);
    expect(tracker.expire(1_005_999)).toEqual([]);
    expect(lows(tracker.expire(1_006_000))).toEqual([1]);
    expect(lows(tracker.expire(1_012_000))).toEqual([2]);
  });

  test("with the old role go its uncommitted sessions, its owners and its closing marks", () => {
    const tracker = startedTracker();
    const session = tracker.create(1, 1, 4000, 0);
    tracker.commit(1, 1, 4000, 0);
    tracker.create(1, 2, 4000, 0);
    tracker.setOwner(1, 1, {});
    tracker.expire(6000);
    tracker.start(6000);
    expect(tracker.get(1, 2)).toBeUndefined();
    expect([session.isClosing, session.owner, session.expiryMs]).toEqual([false, null, 12_000]);
  });

  test("a server that gives its timers up keeps its sessions, but none that has not come to be", () => {
    const tracker = startedTracker();
    tracker.commit(1, 1, 4000, 0);
    tracker.create(1, 2, 4000, 0);
    tracker.stop();
    expect(tracker.expire(100_000)).toEqual([]);
    expect(tracker.size).toBe(1);
    tracker.start(100_000);
    expect(lows(tracker.expire(106_000))).toEqual([1]);
  });
});

describe("owners", () => {
  const here = { name: "here" };
  const there = { name: "there" };

  test("the first to ask owns the session, and another finds it moved", () => {
    const tracker = startedTracker();
    tracker.create(1, 1, 4000, 0);
    expect(tracker.get(1, 1)!.check(here)).toBe(ErrorCode.ok);
    expect(tracker.get(1, 1)!.check(here)).toBe(ErrorCode.ok);
    expect(tracker.get(1, 1)!.check(there)).toBe(ErrorCode.sessionMoved);
  });

  test("a reattach elsewhere moves the session", () => {
    const tracker = startedTracker();
    tracker.create(1, 1, 4000, 0);
    tracker.get(1, 1)!.check(here);
    expect(tracker.setOwner(1, 1, there)).toBe(true);
    expect(tracker.get(1, 1)!.check(there)).toBe(ErrorCode.ok);
    expect(tracker.get(1, 1)!.check(here)).toBe(ErrorCode.sessionMoved);
  });

  test("a session that is closing has expired to whoever asks", () => {
    const tracker = startedTracker();
    tracker.create(1, 1, 4000, 0);
    tracker.setClosing(1, 1);
    expect(tracker.get(1, 1)!.check(here)).toBe(ErrorCode.sessionExpired);
    expect(tracker.setOwner(1, 1, here)).toBe(false);
    expect(tracker.setOwner(2, 2, here)).toBe(false);
  });
});

describe("what operators see", () => {
  test("every session is visited, and every bucket of timers in the order of its time", () => {
    const tracker = startedTracker();
    tracker.create(1, 1, 10_000, 0);
    tracker.create(1, 2, 4000, 0);
    const all: number[] = [];
    tracker.forEach((session) => all.push(session.idLow));
    expect(all).toEqual([1, 2]);
    const buckets: [number, number[]][] = [];
    tracker.forEachBucket((expiryMs, sessions) => buckets.push([expiryMs, lows([...sessions])]));
    expect(buckets).toEqual([
      [6000, [2]],
      [12_000, [1]],
    ]);
  });
});
