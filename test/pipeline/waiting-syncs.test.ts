import { describe, expect, it } from "vitest";
import { Incoming } from "#pipeline/incoming.ts";
import { PendingWrite } from "#pipeline/pending-write.ts";
import { WaitingSyncs } from "#pipeline/waiting-syncs.ts";

function asked(syncs: WaitingSyncs): PendingWrite {
  const pending = new PendingWrite();
  syncs.add(pending, new Incoming());
  return pending;
}

describe("syncs that wait", () => {
  it("are told in their order, once what was known when they were answered is applied", () => {
    const syncs = new WaitingSyncs();
    const [first, second] = [asked(syncs), asked(syncs)];
    expect(syncs.take(9, 9)).toBeNull();
    syncs.answered(1, 5);
    expect(syncs.take(1, 4)).toBeNull();
    syncs.answered(1, 7);
    expect(syncs.take(1, 5)?.pending).toBe(first);
    expect(syncs.take(1, 6)).toBeNull();
    expect(syncs.length).toBe(1);
    expect(syncs.take(2, 0)?.pending).toBe(second);
    expect(syncs.take(2, 0)).toBeNull();
  });

  it("are not answered beyond their number", () => {
    const syncs = new WaitingSyncs();
    syncs.answered(1, 1);
    asked(syncs);
    expect(syncs.take(9, 9)).toBeNull();
  });
});
