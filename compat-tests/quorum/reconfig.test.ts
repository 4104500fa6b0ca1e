/**
 * Members that come, go and change places while the ensemble runs. The same story is played to ensembles of the reference, of ours
 * and of both; what clients are told and what the members' files say is the same in all of them.
 */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { freePort } from "../../test/support/free-port.ts";
import { type Build, subject, superUser } from "../reference/server.ts";
import { auth, getData, reconfig, type ReconfigWords, sync } from "../wire/requests.ts";
import { Reader } from "../wire/reader.ts";
import { TestEnsemble } from "./ensemble.ts";

const patienceMs = 60_000;
const config = { reconfigEnabled: "true" };

interface Place {
  quorum: number;
  election: number;
  client: number;
  role: "participant" | "observer";
}

/** An ensemble whose ports have names, so that what two of them say can be compared. */
class Story {
  readonly ensemble: TestEnsemble;
  readonly lines: string[] = [];
  readonly places = new Map<number, Place>();
  readonly #names = new Map<string, string>();
  readonly #versions: string[] = [];

  constructor(ensemble: TestEnsemble) {
    this.ensemble = ensemble;
    for (const sid of ensemble.sids) {
      const [quorum, election] = ensemble.quorumPorts[sid - 1]!.split(":").map(Number) as [number, number];
      this.places.set(sid, { quorum, election, client: ensemble.member(sid).port, role: "participant" });
      this.#name(sid, "", this.places.get(sid)!);
    }
  }

  static async begin(builds: readonly Build[]): Promise<Story> {
    const ensemble = await TestEnsemble.prepare({ builds, spares: 2, config });
    try {
      await ensemble.launch(1, 2, 3);
      await ensemble.launch(4, 5);
      return new Story(ensemble);
    } catch (error) {
      await ensemble.dispose();
      throw error;
    }
  }

  /** Gives a member other ports. */
  async move(sid: number, what: readonly ("quorum" | "election" | "client")[]): Promise<void> {
    const place = this.places.get(sid)!;
    for (const kind of what) place[kind] = await freePort();
    this.ensemble.quorumPorts[sid - 1] = `${place.quorum}:${place.election}`;
    this.#name(sid, "'", place);
  }

  #name(sid: number, mark: string, { quorum, election, client }: Place): void {
    for (const [kind, port] of Object.entries({ q: quorum, e: election, c: client })) {
      if (!this.#names.has(String(port))) this.#names.set(String(port), `${kind}${sid}${mark}`);
    }
  }

  /** The line of a member, where it is now. */
  line(sid: number, role: Place["role"] = this.places.get(sid)!.role): string {
    const { quorum, election, client } = this.places.get(sid)!;
    return `server.${sid}=127.0.0.1:${quorum}:${election}:${role};127.0.0.1:${client}`;
  }

  /** Asks a member for a change, as super user. @returns the error, or what became of the connection. */
  async ask(sid: number, words: Partial<ReconfigWords>, credentials: string | null = superUser): Promise<string> {
    const actor = await this.ensemble.visit(sid);
    if (credentials !== null) await actor.ask(auth("digest", credentials));
    const reply = await actor.ask(reconfig({ joining: null, leaving: null, members: null, version: -1n, ...words }));
    actor.connection.cut();
    if (reply === null) return "closed";
    return reply.err === 0 ? this.masked(new Reader(reply.body).ustring() ?? "") : String(reply.err);
  }

  /** Makes a change; whether its client hears of it is a matter of luck where its server changes its role. */
  async change(sid: number, words: Partial<ReconfigWords>): Promise<void> {
    const outcome = await this.ask(sid, words);
    if (outcome.startsWith("-")) throw new Error(`refused with ${outcome}: ${JSON.stringify(words)}`);
  }

  /** Waits until those members serve the configuration that `holds`, all alike. */
  async agree(what: string, sids: readonly number[], holds: (text: string) => boolean): Promise<void> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const texts = await Promise.all(sids.map((sid) => this.#configOf(sid).catch(() => "")));
      if (new Set(texts).size === 1 && texts[0] !== "" && holds(texts[0]!)) {
        this.lines.push(`${what}:\n${this.masked(texts[0]!)}`);
        return;
      }
      if (Date.now() > deadline) throw new Error(`${what}: no agreement\n${texts.join("\n--\n")}`);
      await delay(50);
    }
  }

  async #configOf(sid: number): Promise<string> {
    const actor = await this.ensemble.visit(sid);
    try {
      await actor.ask(sync("/"));
      const reply = await actor.ask(getData("/zookeeper/config"));
      return reply === null ? "" : (new Reader(reply.body).ustring() ?? "");
    } finally {
      actor.connection.cut();
    }
  }

  /** The files beside a member's zoo.cfg and what they say, its own settings left out. */
  files(what: string, sid: number): void {
    const { folder } = this.ensemble.member(sid);
    for (const name of readdirSync(folder).toSorted()) {
      if (!name.startsWith("zoo.cfg")) continue;
      const text = readFileSync(`${folder}/${name}`, "utf8");
      const members = text.split("\n").filter((line) => /^(server|group|weight|version|dynamic|clientPort)/.test(line));
      const shown = members.toSorted().join("\n").replaceAll(folder, "FOLDER");
      this.lines.push(`${what}, ${this.masked(name)}:\n${this.masked(shown)}`);
    }
  }

  /** Ports and versions by their names; versions are numbered as they appear. */
  masked(text: string): string {
    return text
      .replaceAll(/\b\d{4,5}\b/g, (port) => this.#names.get(port) ?? port)
      .replaceAll(/(?<=version=|dynamic\.)[\da-f]{9,}\b/g, (version) => {
        if (!this.#versions.includes(version)) this.#versions.push(version);
        return `V${this.#versions.indexOf(version)}`;
      });
  }
}

async function play(builds: readonly Build[]): Promise<string[]> {
  const story = await Story.begin(builds);
  const { ensemble, lines } = story;
  try {
    await story.agree("at first", [1, 2, 3, 4, 5], (text) => text.includes("server.3="));
    for (const sid of [1, 3, 4]) story.files(`server ${sid}`, sid);
    await refusals(story);

    await story.change(1, { joining: story.line(4) });
    await story.agree("4 joins", [1, 2, 3, 4, 5], (text) => text.includes("server.4="));
    await story.change(2, { joining: story.line(5, "observer") });
    await story.agree("5 observes", [1, 2, 3, 4, 5], (text) => text.includes("server.5="));

    const first = await ensemble.leader();
    const other = first === 1 ? 2 : 1;
    await story.change(other, { leaving: String(first) });
    await story.agree("the leader leaves", [1, 2, 3, 4, 5], (text) => !text.includes(`server.${first}=`));
    lines.push(`leads: ${first === (await ensemble.leader())}; it is now ${await ensemble.modeOf(first)}`);
    await story.change(other, { joining: story.line(first) });
    await story.agree("it comes back", [1, 2, 3, 4, 5], (text) => text.includes(`server.${first}=`));

    await story.change(other, { joining: `${story.line(4, "observer")},${story.line(5, "participant")}` });
    await story.agree("4 and 5 change roles", [1, 2, 3, 4, 5], (text) => /server\.4=.*observer/.test(text));
    lines.push(`4 is ${await ensemble.modeOf(4)}, 5 is no observer: ${(await ensemble.modeOf(5)) !== "observer"}`);

    await story.move(4, ["client"]);
    await story.change(1, { joining: story.line(4, "observer") });
    ensemble.member(4).port = story.places.get(4)!.client;
    const port = String(ensemble.member(4).port);
    await story.agree("4 has another client port", [1, 2, 3, 4, 5], (text) => text.includes(port));

    // One after the other, since it is a matter of luck who leads by now; who leads and moves leads no more.
    for (const sid of [1, 2, 3, 5]) {
      const wasLeader = sid === (await ensemble.leader());
      await story.move(sid, ["quorum", "election"]);
      await story.change(sid === 1 ? 2 : 1, { joining: story.line(sid) });
      const quorumPort = String(story.places.get(sid)!.quorum);
      await story.agree(`${sid} moves`, [1, 2, 3, 4, 5], (text) => text.includes(quorumPort));
      if (wasLeader) expect(await ensemble.leader()).not.toBe(sid);
    }

    const groups = `${[1, 2, 3, 5].map((sid) => story.line(sid)).join()},${story.line(4, "observer")},group.1=1:2,group.2=3:5`;
    await story.change(1, { members: groups });
    await story.agree("groups", [1, 2, 3, 4, 5], (text) => text.includes("group.1=1:2"));
    lines.push(`in groups: ${await story.ask(1, { leaving: "5" })}`);
    await story.change(1, { members: [1, 2, 3, 5].map((sid) => story.line(sid)).join() });
    await story.agree("no groups, and 4 leaves", [1, 2, 3, 5], (text) => !text.includes("group"));

    await ensemble.member(4).kill();
    for (const sid of [1, 2, 3, 5]) await ensemble.member(sid).stop();
    await ensemble.launch(1, 2, 3, 5);
    await story.agree("started again", [1, 2, 3, 5], (text) => text.includes("server.5="));
    story.files("server 5 at the end", 5);
    return lines;
  } finally {
    await ensemble.dispose();
  }
}

/** Every way to be refused, through a follower and through the leader. */
async function refusals(story: Story): Promise<void> {
  const cases: Readonly<Record<string, Partial<ReconfigWords>>> = {
    nothing: {},
    "a version that is not": { leaving: "3", version: 5n },
    "no number": { leaving: "three" },
    "no member line": { joining: "server.4" },
    "no client port": { joining: "server.4=127.0.0.1:1:2" },
    "two ports": { joining: "server.4=127.0.0.1:1;2" },
    "equal ports": { joining: "server.4=127.0.0.1:1:1;2" },
    "no such port": { joining: "server.4=127.0.0.1:1:70000;2" },
    "no such role": { joining: "server.4=127.0.0.1:1:2:king;3" },
    "one voter": { leaving: "1,2" },
    "another key": { members: "tickTime=5" },
    "observers alone": { members: story.line(1, "observer") },
    "no quorum": { joining: [6, 7, 8, 9].map((sid) => `server.${sid}=127.0.0.1:${sid}1:${sid}2;${sid}3`).join() },
  };
  const leader = await story.ensemble.leader();
  for (const sid of [leader, leader === 1 ? 2 : 1]) {
    for (const [name, words] of Object.entries(cases)) {
      story.lines.push(`${name}: ${await story.ask(sid, words)}`);
    }
    story.lines.push(`not a super user: ${await story.ask(sid, { leaving: "3" }, null)}`);
    story.lines.push(`not a super user, and no sense: ${await story.ask(sid, { joining: "server.4" }, null)}`);
  }
}

const mixtures: readonly (readonly Build[])[] = [
  [subject, subject, subject, subject, subject],
  ["reference", subject, "reference", subject, "reference"],
  [subject, "reference", subject, "reference", subject],
];

let told: Promise<string[]> | null = null;

test.each(mixtures)("members come and go: %s, %s, %s, then %s, %s", { timeout: 300_000 }, async (...builds) => {
  told ??= play(["reference", "reference", "reference", "reference", "reference"]);
  expect(await play(builds)).toEqual(await told);
});
