/**
 * The scenarios of the clients (client/README.md) through a leader, a follower and an observer: three and one of ours show the same as
 * three and one of the reference. When a scenario wants its server stopped or killed, that member goes and comes back.
 */

import { expect, test } from "vitest";
import { cClient, goZookeeper, javaClient, kazoo, nodeZookeeperClient } from "../client/programs.ts";
import { fulfil, masked, type ScenarioClient, scenarios, traceOf } from "../client/scenarios.ts";
import { type Build, subject } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { whyNotPlayed } from "../reporting/expectations.ts";
import { type EnsembleSettings, TestEnsemble } from "./ensemble.ts";
import { isShort } from "../shard.ts";

const timeoutMs = 180_000;

/** With equal histories the highest sid leads; the fourth observes. */
const sidOf = { leader: 3, follower: 1, observer: 4 } as const;

type Role = keyof typeof sidOf;

const kazooClient: ScenarioClient = {
  name: "kazoo 2.11.0",
  start: (port, scenario) => kazoo("2.11.0", port, scenario),
};

/** Who plays through whom: one client through every member, and every member hears several clients. */
const visits: readonly { readonly client: ScenarioClient; readonly roles: readonly Role[] }[] = [
  { client: kazooClient, roles: ["leader", "follower", "observer"] },
  {
    client: { name: "Java client 3.9.5", start: (port, scenario) => javaClient("server", port, scenario) },
    roles: ["leader", "follower"],
  },
  { client: { name: "libzookeeper_mt 3.8.0", start: cClient }, roles: ["leader", "observer"] },
  { client: { name: "go-zookeeper 1.0.4", start: goZookeeper }, roles: ["follower"] },
  { client: { name: "node-zookeeper-client 1.1.3", start: nodeZookeeperClient }, roles: ["observer"] },
];

async function play(
  build: Build,
  client: ScenarioClient,
  { scenario, sid }: { scenario: string; sid: number },
  settings: Omit<EnsembleSettings, "builds">,
): Promise<{ trace: string[]; quorumPorts: readonly string[] }> {
  return timed(build, async () => {
    const ensemble = await TestEnsemble.start({ ...settings, builds: [build, build, build, build], observers: 1 });
    const member = ensemble.member(sid);
    const program = client.start(member.port, scenario);
    try {
      const trace = masked(await traceOf(program, (wish) => fulfil(wish, member)));
      return { trace, quorumPorts: ensemble.quorumPorts };
    } finally {
      program.kill();
      await ensemble.dispose();
    }
  });
}

interface Play {
  readonly client: ScenarioClient;
  readonly role: Role;
  readonly scenario: string;
}

/** What `--shard ci` plays, through a follower and by kazoo: where an ensemble can differ most from a server alone. */
const shortScenarios = [
  "crud",
  "multi",
  "watch-order",
  "session-expiry",
  "session-move",
  "crash",
  "ttl-and-containers",
];

/**
 * `unicode` has a user outside the basic plane, whom the reference's leader takes for another when a follower or an observer
 * speaks of him (digest-user-outside-the-basic-plane); some of the clients can say his name.
 */
const namesAnybody = new Set(["Java client 3.9.5", "libzookeeper_mt 3.8.0"]);

function isPlayed({ client, role, scenario }: Play): boolean {
  return !(scenario === "unicode" && role !== "leader" && namesAnybody.has(client.name));
}

function allPlays(): Play[] {
  return visits
    .flatMap(({ client, roles }) =>
      roles.flatMap((role) => Object.keys(scenarios).map((scenario) => ({ client, role, scenario }))),
    )
    .filter(isPlayed);
}

const plays: readonly Play[] = isShort
  ? shortScenarios.map((scenario) => ({ client: kazooClient, role: "follower", scenario }))
  : allPlays();

test.each(plays.filter(({ client, scenario }) => whyNotPlayed(client.name, scenario) === null))(
  "$client.name sees the same of both through a $role: $scenario",
  { timeout: timeoutMs },
  async ({ client, role, scenario }) => {
    const settings = scenarios[scenario]!;
    const where = { scenario, sid: sidOf[role] };
    const expected = await play("reference", client, where, settings);
    const { quorumPorts } = expected;
    const found = await play(subject, client, where, { ...settings, quorumPorts });
    expect(expected.trace.length).toBeGreaterThan(1);
    expect(found.trace).toEqual(expected.trace);
  },
);
