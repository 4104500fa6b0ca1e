/**
 * Members with two addresses each: one network goes, an address cannot be bound, addresses come and go while the ensemble runs. The
 * same stories are played to ensembles of the reference, of ours and of both.
 */

import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { freePort } from "../../test/support/free-port.ts";
import { Relay } from "../faults/links/relay.ts";
import { type Build, subject } from "../reference/server.ts";
import { isShort } from "../shard.ts";
import { closeSession, create, type ReconfigWords } from "../wire/requests.ts";
import { TestEnsemble } from "./ensemble.ts";
import { MembersStory } from "./members-story.ts";

/** 3.9.5 reads the members with a look at this flag alone. */
const enabled = { "zookeeper.multiAddress.enabled": "true" };
const members = [1, 2, 3];
const patienceMs = 60_000;
const pollMs = 20;

function hostOf(sid: number, network: number): string {
  return network === 0 ? "127.0.0.1" : `127.0.0.${10 * network + sid}`;
}

interface Way {
  readonly host: string;
  readonly quorum: number;
  readonly election: number;
  /** Where the others find the quorum port. */
  readonly relayed: number;
  readonly relay: Relay;
}

/**
 * Two networks, of which either may be gone: the members have relays in place of each other's quorum ports. (Where the election port is
 * they tell each other, whatever zoo.cfg says.)
 */
class TwoNetworks {
  readonly ensemble: TestEnsemble;
  readonly #ways: ReadonlyMap<number, readonly Way[]>;
  #written = 0;

  private constructor(ensemble: TestEnsemble, ways: ReadonlyMap<number, readonly Way[]>) {
    this.ensemble = ensemble;
    this.#ways = ways;
  }

  static async prepare(builds: readonly Build[]): Promise<TwoNetworks> {
    const ways = new Map<number, readonly Way[]>();
    for (const sid of members) ways.set(sid, [await wayTo(sid, 0), await wayTo(sid, 1)]);
    const ensemble = await TestEnsemble.prepare({
      builds,
      properties: enabled,
      quorumPorts: members.map((sid) => `${ways.get(sid)![0]!.quorum}:${ways.get(sid)![0]!.election}`),
      addressesOf: (sid, reader) => {
        const addresses = ways.get(sid)!.map(({ host, quorum, election, relayed }) => {
          return `${host}:${sid === reader ? quorum : relayed}:${election}`;
        });
        return addresses.join("|");
      },
    });
    return new TwoNetworks(ensemble, ways);
  }

  way(sid: number, network: number): Way {
    return this.#ways.get(sid)![network]!;
  }

  async open(network: number): Promise<void> {
    for (const sid of members) await this.way(sid, network).relay.open();
  }

  cut(network: number): void {
    for (const sid of members) this.way(sid, network).relay.cut();
  }

  /** Waits until all that run follow their leader through that network, and through no other; then each of them takes a write. */
  async works(network: number): Promise<number> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const leader = await this.ensemble.leader();
      const counts = this.#ways.get(leader)!.map(({ relay }) => relay.connections);
      const learners = this.ensemble.running.length - 1;
      if (counts[network] === learners && counts[1 - network] === 0) break;
      if (Date.now() > deadline) throw new Error(`server.${leader} is followed by ${counts.join(" and ")}`);
      await delay(pollMs);
    }
    await this.ensemble.settled();
    for (const sid of this.ensemble.running) {
      const actor = await this.ensemble.visit(sid);
      expect((await actor.ask(create(`/n-${this.#written++}`)))?.err).toBe(0);
      await actor.ask(closeSession);
    }
    await this.ensemble.expectAtOne(`network ${network}`);
    return this.ensemble.leader();
  }

  async dispose(): Promise<void> {
    await this.ensemble.dispose();
    this.cut(0);
    this.cut(1);
  }
}

async function wayTo(sid: number, network: number): Promise<Way> {
  const host = hostOf(sid, network);
  const [quorum, election, relayed] = [await freePort(), await freePort(), await freePort()];
  return { host, quorum, election, relayed, relay: new Relay({ host, port: relayed }, { host, port: quorum }) };
}

/** A port that somebody else has. */
async function taken(port: number, host: string): Promise<AsyncDisposable> {
  const stranger = createServer((socket) => socket.destroy()).listen(port, host);
  await once(stranger, "listening");
  return stranger;
}

/**
 * Of the largest id one address is taken when it starts; then it is to lead. It connects to the others' election ports: they need not
 * find its own, at which 3.9.5 may try the wrong address for ever.
 * @returns the member that was stopped.
 */
async function withOneAddress(networks: TwoNetworks): Promise<number> {
  const { ensemble } = networks;
  await ensemble.member(3).stop();
  const { host, quorum, election } = networks.way(3, 0);
  await using _quorum = await taken(quorum, host);
  await using _election = await taken(election, host);
  await ensemble.launch(3);
  const leader = await networks.works(1);
  await ensemble.member(leader).stop();
  expect(await networks.works(1), "who leads").toBe(3);
  return leader;
}

async function loseANetwork(builds: readonly Build[]): Promise<void> {
  const networks = await TwoNetworks.prepare(builds);
  const { ensemble } = networks;
  try {
    await networks.open(0);
    await ensemble.launch(...members);
    await networks.works(0);

    await networks.open(1);
    networks.cut(0);
    await networks.works(1);

    const follower = await withOneAddress(networks);
    await ensemble.member(3).stop();
    await ensemble.launch(3, follower);
    await networks.works(1);
  } finally {
    await networks.dispose();
  }
}

/** A story of one address each that become two, three and one again. */
async function changeAddresses(builds: readonly Build[]): Promise<string[]> {
  const ensemble = await TestEnsemble.start({ builds, config: { reconfigEnabled: "true" } });
  const story = new MembersStory(ensemble);
  try {
    await story.agree("at first", members, (text) => text.includes("server.3="));
    const at = (sid: number, ...networks: number[]): string => {
      story.places.get(sid)!.hosts = networks.map((network) => hostOf(sid, network));
      return story.line(sid);
    };
    const asked: Readonly<Record<string, Partial<ReconfigWords>>> = {
      joining: { joining: at(2, 0, 1) },
      members: { members: [at(1, 0), at(2, 0, 1), at(3, 0)].join() },
    };
    for (const [name, words] of Object.entries(asked)) story.lines.push(`${name}: ${await story.ask(1, words)}`);

    for (const sid of members) await ensemble.replace(sid, builds[sid - 1]!, enabled);
    await ensemble.launch(...members);
    for (const [name, joining] of Object.entries({
      "two roles": "server.2=127.0.0.1:1:2:participant|127.0.0.12:1:2:observer;3",
      "equal ports": "server.2=127.0.0.1:1:2|127.0.0.12:2:2;3",
      "no ports": "server.2=127.0.0.1:1:2|127.0.0.12;3",
      "no address": "server.2=127.0.0.1:1:2||127.0.0.12:1:2;3",
    })) {
      story.lines.push(`${name}: ${await story.ask(1, { joining })}`);
    }

    for (const sid of members) {
      const wasLeader = sid === (await ensemble.leader());
      await story.change(sid === 1 ? 2 : 1, { joining: at(sid, 1, 0) });
      await story.agree(`${sid} has a second`, members, (text) => text.includes(hostOf(sid, 1)));
      if (wasLeader) expect(await ensemble.leader()).not.toBe(sid);
    }
    await story.change(1, { joining: at(2, 0, 1, 1) });
    await story.agree("2 has it twice", members, (text) => text.includes(hostOf(2, 1)));
    const others = [at(1, 1, 2), at(2, 0), at(3, 0, 1, 2)];
    await story.change(2, { members: others.join() });
    await story.agree("all at once", members, (text) => text.includes(hostOf(3, 2)));
    await story.change(3, { joining: at(1, 0, 2) });
    await story.agree("the first comes back", members, (text) => !text.includes(hostOf(1, 1)));

    for (const sid of members) await ensemble.member(sid).stop();
    await ensemble.launch(...members);
    await story.agree("started again", members, (text) => text.includes(hostOf(3, 2)));
    for (const sid of members) story.files(`server ${sid}`, sid);
    return story.lines;
  } finally {
    await ensemble.dispose();
  }
}

const ours: readonly Build[] = [subject, subject, subject];
/** The last of them, of one build, says what the others are to say. */
const ensembles: readonly (readonly Build[])[] = isShort
  ? [[subject, "reference", subject], ours]
  : [
      ours,
      [subject, "reference", subject],
      ["reference", subject, "reference"],
      ["reference", "reference", "reference"],
    ];
const told = ensembles.at(-1)!;

test.each(ensembles)(
  "members follow their leader through whichever network there is: %s, %s, %s",
  { timeout: 300_000 },
  async (...builds) => loseANetwork(builds),
);

let story: Promise<string[]> | null = null;

test.each(ensembles.slice(0, -1))(
  "addresses of members come and go: %s, %s, %s",
  { timeout: 300_000 },
  async (...builds) => {
    story ??= changeAddresses(told);
    expect(await changeAddresses(builds)).toEqual(await story);
  },
);
