import { expect, test } from "vitest";
import { gauges, monitorLines, monitorValues } from "#admin/monitor-values.ts";
import type { PeerFacts, ServingFacts } from "#server/server-facts.ts";
import { peer, realAnswer, standalone } from "./example-servers.ts";

/** `mntr` as pairs of name and value. */
function valuesOf(text: string): Map<string, string> {
  return new Map(
    text
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t") as [string, string]),
  );
}

function ours(serving: ServingFacts): Map<string, string> {
  return valuesOf([...monitorLines(serving)].join(""));
}

const formOf = (value: string): string =>
  /^-?\d+$/.test(value) ? "integer" : /^-?\d+\.\d+(E-?\d+)?$/.test(value) ? "double" : "text";

function shapesOf(values: Map<string, string>): string[] {
  return [...values].map(([name, value]) => `${name} ${formOf(value)}`).sort();
}

/** Names and the spelling of their values are the same, order and values aside. */
function checkNames(serving: ServingFacts, state: string): void {
  expect(shapesOf(ours(serving))).toEqual(shapesOf(valuesOf(realAnswer(state, "mntr"))));
}

const leader = {
  learners: 2,
  syncedFollowers: 1,
  syncedNonVotingFollowers: 0,
  pendingSyncs: 0,
  uptimeMs: 8365,
  proposalSizes: { last: 91, min: 48, max: 193 },
};

/** A member of the ensemble; its namespaces were written through it and, on the leader, read. */
function member(mode: ServingFacts["mode"], facts: Partial<PeerFacts>): ServingFacts {
  const serving = standalone({ mode, peer: peer(facts) });
  for (const namespace of ["app", "zookeeper"]) serving.metrics.writePerNamespace.add(namespace, 100);
  return serving;
}

function readAndWritten(serving: ServingFacts): ServingFacts {
  for (const bytes of [72, 175, 175, 1168]) serving.metrics.readPerNamespace.add("app", bytes);
  for (const bytes of [84, 147, 119]) serving.metrics.readPerNamespace.add("zookeeper", bytes);
  for (const bytes of [20, 79, 51]) serving.metrics.writePerNamespace.add("zookeeper", bytes);
  serving.metrics.writePerNamespace.add("app", 107);
  return serving;
}

test("a standalone server has the names of ZooKeeper's, no more and no less", () => {
  checkNames(readAndWritten(standalone()), "standalone");
});

test("a read-only server has them too, and nothing of an ensemble", () => {
  const serving = standalone({ mode: "read-only", quotas: [] });
  serving.metrics.writePerNamespace.add("zookeeper", 20);
  checkNames(serving, "read-only");
});

test("a leader has them and those of a leader", () => {
  const serving = readAndWritten(
    standalone({ mode: "leader", peer: peer({ state: "leading - broadcast", syncedObservers: 1, leader }) }),
  );
  for (const sid of ["1", "3"]) {
    serving.metrics.learnerHandlerQpSize.add(sid, 0);
    serving.metrics.learnerHandlerQpTimeMs.add(sid, 1);
  }
  checkNames(serving, "leader");
});

test("a follower has quorum_size and peer_state", () => {
  checkNames(member("follower", {}), "follower");
});

test("an observer names the member that feeds it", () => {
  checkNames(member("observer", { state: "observing - broadcast", observerMasterId: 2 }), "observer");
});

test("a follower with an observer master counts its observers", () => {
  expect(ours(standalone({ mode: "follower", peer: peer({ syncedObservers: 3 }) })).get("zk_synced_observers")).toBe(
    "3",
  );
});

test("texts and gauges are what ZooKeeper printed for the same server", () => {
  const serving = standalone();
  const real = valuesOf(realAnswer("standalone", "mntr"));
  const values = ours(serving);
  const names = ["version", "server_state", ...gauges(serving).map((gauge) => gauge.name)].map((name) => `zk_${name}`);
  expect(names).toHaveLength(2 + 24 + 4);
  expect(names.map((name) => [name, values.get(name)])).toEqual(names.map((name) => [name, real.get(name)]));
});

test("the gauges of a leader are what ZooKeeper printed for the same leader", () => {
  const values = ours(standalone({ peer: peer({ state: "leading - broadcast", syncedObservers: 1, leader }) }));
  const real = valuesOf(realAnswer("leader", "mntr"));
  const names = (
    "peer_state quorum_size learners synced_followers synced_non_voting_followers synced_observers pending_syncs " +
    "leader_uptime last_proposal_size max_proposal_size min_proposal_size"
  )
    .split(" ")
    .map((name) => `zk_${name}`);
  expect(names.map((name) => [name, values.get(name)])).toEqual(names.map((name) => [name, real.get(name)]));
});

test("sums over the same bytes print as ZooKeeper printed them", () => {
  const values = ours(readAndWritten(standalone()));
  const real = valuesOf(realAnswer("standalone", "mntr"));
  const names = [...values.keys()].filter((name) => /_(app|zookeeper)_read_|_zookeeper_write_/.test(name));
  expect(names).toHaveLength(15);
  expect(names.map((name) => [name, values.get(name)])).toEqual(names.map((name) => [name, real.get(name)]));
});

test("version and state come first, then the gauges by name", () => {
  expect([...ours(standalone()).keys()].slice(0, 5)).toEqual([
    "zk_version",
    "zk_server_state",
    "zk_approximate_data_size",
    "zk_auth_failed_count",
    "zk_avg_latency",
  ]);
});

test("a value says whether it is text, a whole number or a double, for renderings other than lines", () => {
  const values = [...monitorValues(standalone())];
  const valueOf = (name: string): unknown => values.find((value) => value.name === name);
  expect(valueOf("server_state")).toEqual({ name: "server_state", text: "standalone" });
  expect(valueOf("znode_count")).toEqual({ name: "znode_count", value: 312, isDouble: false });
  expect(valueOf("avg_fsynctime")).toEqual({ name: "avg_fsynctime", value: 0, isDouble: true });
});

test("a big average has an exponent, as Java's has", () => {
  const values = ours(standalone({ latencyMs: { min: 0, average: 12345678, max: 99999999 } }));
  expect(values.get("zk_avg_latency")).toBe("1.2345678E7");
  expect(values.get("zk_max_latency")).toBe("99999999");
});
