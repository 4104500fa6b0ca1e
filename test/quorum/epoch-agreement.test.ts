import { expect, test } from "vitest";
import { EpochAgreement } from "#quorum/epoch-agreement.ts";
import { memberLines, viewsOf } from "./support.ts";

const own = { currentEpoch: 4n, lastZxid: 0x400000009n };

function agreement(voters = 3, observers = 0): EpochAgreement {
  return new EpochAgreement(viewsOf(memberLines(voters, observers)), 1n, own);
}

test("the epoch is one more than the highest that a quorum with the leader has accepted", () => {
  const epochs = agreement(5);
  epochs.propose(2n, 4n);
  epochs.propose(3n, 9n);
  epochs.propose(4n, 0n);
  expect(epochs.epoch).toBeNull();
  epochs.propose(1n, 5n);
  expect(epochs.epoch).toBe(10n);
});

test("who comes too late does not change it", () => {
  const epochs = agreement();
  epochs.propose(1n, 4n);
  epochs.propose(2n, 4n);
  epochs.propose(3n, 20n);
  expect(epochs.epoch).toBe(5n);
});

test("there is none behind the last one", () => {
  const epochs = agreement();
  epochs.propose(1n, 0x7fff_ffffn);
  epochs.propose(2n, 4n);
  epochs.propose(3n, 4n);
  expect([epochs.epoch, epochs.isExhausted]).toEqual([null, true]);
  const last = agreement();
  last.propose(1n, 0x7fff_fffen);
  last.propose(2n, 4n);
  expect([last.epoch, last.isExhausted]).toEqual([0x7fff_ffffn, false]);
});

test("an observer raises it and is not counted", () => {
  const epochs = agreement(3, 1);
  epochs.propose(1n, 4n);
  epochs.propose(4n, 7n);
  expect(epochs.epoch).toBeNull();
  epochs.propose(2n, 4n);
  expect(epochs.epoch).toBe(8n);
});

test("a quorum with the leader establishes it", () => {
  const epochs = agreement();
  expect(epochs.ack(2n, { currentEpoch: 4n, lastZxid: 1n })).toBe(true);
  expect(epochs.ack(3n, { currentEpoch: 3n, lastZxid: 0x500000001n })).toBe(true);
  expect(epochs.isEstablished).toBe(false);
  epochs.ack(1n, own);
  expect(epochs.isEstablished).toBe(true);
});

test.each([
  ["a later epoch", { currentEpoch: 5n, lastZxid: 1n }],
  ["a later zxid", { currentEpoch: 4n, lastZxid: own.lastZxid + 1n }],
])("a learner with %s than the leader is refused, until the epoch is established", (_, summary) => {
  const epochs = agreement();
  epochs.ack(1n, own);
  expect(epochs.ack(2n, summary)).toBe(false);
  expect(epochs.isEstablished).toBe(false);
  epochs.ack(3n, own);
  expect(epochs.isEstablished).toBe(true);
  expect(epochs.ack(2n, summary)).toBe(true);
});

test("what does not count is not counted: an answer given before, a server without a history", () => {
  const epochs = agreement();
  epochs.ack(1n, own);
  epochs.ack(2n, { currentEpoch: -1n, lastZxid: own.lastZxid });
  epochs.ack(3n, { currentEpoch: 0n, lastZxid: -1n });
  expect(epochs.isEstablished).toBe(false);
});
