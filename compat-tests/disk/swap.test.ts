/** Each server opens what the other wrote, at a stop and at a crash, in every form that the files can take. */

import { test } from "vitest";
import { subject } from "../reference/server.ts";
import { type Leg, relay } from "./relay.ts";

const there: readonly Leg[] = [
  { build: "reference", end: "stop" },
  { build: subject, end: "kill" },
  { build: "reference", end: "kill" },
  { build: subject, end: "stop" },
];

const back: readonly Leg[] = [
  { build: subject, end: "kill" },
  { build: "reference", end: "stop" },
  { build: subject, end: "stop" },
  { build: "reference", end: "kill" },
];

test.each([
  { order: "from the reference", legs: there },
  { order: "from ours", legs: back },
])("a folder goes from server to server, beginning $order", async ({ legs }) => {
  await relay({ legs, bulk: 300 });
});

test.each(["gz", "snappy"])("snapshots compressed by %s are read by the other", async (method) => {
  await relay({ legs: there, config: { "snapshot.compression.method": method }, bulk: 300 });
});

test("every server may compress in its own way", async () => {
  const methods = ["gz", "snappy", "", "gz"];
  const legs = back.map((leg, index) => ({ ...leg, config: { "snapshot.compression.method": methods[index]! } }));
  await relay({ legs, bulk: 200 });
});

test("many small logs and snapshots are handed over as well", async () => {
  await relay({ legs: there, config: { snapCount: 25 }, bulk: 300 });
  await relay({ legs: back.slice(0, 3), config: { snapCount: 25 }, bulk: 300 });
});

test("logs may have a folder of their own", async () => {
  await relay({ legs: there, separateLogs: true, bulk: 100 });
});

test("logs without padding and with the usual 64 MiB of it", async () => {
  await relay({ legs: back.slice(0, 3), config: { preAllocSize: 0 }, bulk: 100 });
  await relay({ legs: there.slice(0, 3), config: { preAllocSize: 65_536 }, bulk: 100 });
});

test("TTL and container znodes keep their kind", async () => {
  await relay({ legs: there, extended: true, bulk: 50 });
  await relay({ legs: back, extended: true, bulk: 50 });
});

test("folders without digests, and without the last zxid in snapshots", async () => {
  await relay({ legs: there, config: { "digest.enabled": "false", "serializeLastProcessedZxid.enabled": "false" } });
  await relay({ legs: back, config: { "serializeLastProcessedZxid.enabled": "false" } });
});
