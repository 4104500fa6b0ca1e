/**
 * An ensemble on this machine whose members are ours and the reference in any mixture. A member may be stopped, killed, started
 * again, and replaced by the other build on the same folder, as an operator does it who moves an ensemble over.
 *
 * `expectAtOne` is what must hold whenever the ensemble is quiet: every member has the same tree, and none has computed a
 * digest that was not the transaction's.
 */

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { freePort } from "../../test/support/free-port.ts";
import { dumpText, dumpTree } from "../disk/tree-dump.ts";
import { type Build, type ServerSettings, TestServer } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { type ConnectOptions, WireConnection } from "../wire/connection.ts";
import { closeSession, sync } from "../wire/requests.ts";
import { Actor } from "../wire/scene.ts";
import { Names } from "../wire/transcript.ts";

export interface EnsembleSettings {
  /** One for each member; server 1 is the first. */
  readonly builds: readonly Build[];
  /** How many of them, the last, observe. */
  readonly observers?: number;
  /** How many, the last of all, are no members at first: each observes, by its own zoo.cfg alone. */
  readonly spares?: number;
  /** Further lines of zoo.cfg; FOLDER in them stands for the member's own. */
  readonly config?: Readonly<Record<string, string | number>>;
  /** Whether each member has an address of its own, 127.0.0.SID, so that all may have the same ports there. */
  readonly areApart?: boolean;
  /**
   * Addresses of a member as another, or it itself, has them in its zoo.cfg: `HOST:QUORUM:ELECTION`, one or several behind bars; the
   * first election port is that of `quorumPorts`. They may differ where the members do not change.
   */
  readonly addressesOf?: (sid: number, reader: number) => string;
  /** -D words for every member, or for those of a build. */
  readonly properties?: Readonly<Record<string, string | number>>;
  readonly propertiesOf?: Readonly<Record<Build, Readonly<Record<string, string | number>>>>;
  /** Ports between the servers, where they have to be those of an earlier ensemble: clients can read them. */
  readonly quorumPorts?: readonly string[];
  /** Which release the reference's members are, where it is not 3.9.5. */
  readonly jars?: NonNullable<ServerSettings["jars"]>;
}

/** Ticks of a second: an election and a synchronisation take tenths of it, and a stall must not look like a death. */
const quorumConfig = { tickTime: 1000, initLimit: 20, syncLimit: 10 };

const patienceMs = 60_000;
const pollMs = 20;

export type Mode = "leader" | "follower" | "observer";

export class TestEnsemble {
  /** `QUORUM:ELECTION` of each member. */
  readonly quorumPorts: string[] = [];
  readonly #settings: EnsembleSettings;
  readonly #folder = mkdtempSync(join(tmpdir(), "compat-quorum-"));
  readonly #members: TestServer[] = [];

  private constructor(settings: EnsembleSettings) {
    this.#settings = settings;
  }

  /** The members' folders and ports; nobody runs yet. */
  static async prepare(settings: EnsembleSettings): Promise<TestEnsemble> {
    const ensemble = new TestEnsemble(settings);
    for (const sid of ensemble.sids) {
      ensemble.quorumPorts.push(settings.quorumPorts?.[sid - 1] ?? `${await freePort()}:${await freePort()}`);
    }
    for (const sid of ensemble.sids) {
      const member = ensemble.#memberOf(sid, settings.builds[sid - 1]!);
      mkdirSync(member.dataFolder, { recursive: true });
      writeFileSync(join(member.dataFolder, "myid"), `${sid}\n`);
      member.port = await freePort();
      ensemble.#members.push(member);
    }
    return ensemble;
  }

  /** All members, serving. */
  static async start(settings: EnsembleSettings): Promise<TestEnsemble> {
    const ensemble = await TestEnsemble.prepare(settings);
    try {
      await ensemble.launch(...ensemble.sids);
      return ensemble;
    } catch (error) {
      await ensemble.dispose();
      throw error;
    }
  }

  get sids(): number[] {
    return this.#settings.builds.map((_, index) => index + 1);
  }

  get running(): number[] {
    return this.sids.filter((sid) => this.member(sid).isRunning);
  }

  /** `HOST:PORT,HOST:PORT,...` */
  get connectString(): string {
    return this.#members.map(({ port }) => `127.0.0.1:${port}`).join();
  }

  member(sid: number): TestServer {
    const member = this.#members[sid - 1];
    if (member === undefined) throw new Error(`there is no server.${sid}`);
    return member;
  }

  /**
   * Starts members and waits until each of them serves. The highest sid comes first, and each waits until the one before it
   * takes votes: some start faster than others, and with equal histories the highest is to lead.
   */
  async launch(...sids: readonly number[]): Promise<void> {
    const starting: Promise<unknown>[] = [];
    for (const sid of sids.toSorted((a, b) => b - a)) {
      const member = this.member(sid);
      const served = timed(member.build, () => member.start());
      starting.push(served);
      await Promise.race([served, this.takesVotes(sid)]);
    }
    await Promise.all(starting);
  }

  /**
   * Puts the other build, or the same anew, in a member's place: same folder, same ports, and these -D words beside those of
   * all. It has to be started yet.
   */
  async replace(sid: number, build: Build, properties: EnsembleSettings["properties"] = {}): Promise<void> {
    const old = this.member(sid);
    await old.stop();
    const member = this.#memberOf(sid, build, properties);
    member.port = old.port;
    this.#members[sid - 1] = member;
  }

  /** What a member says it is; null while it serves nobody, or lets everybody go. */
  async modeOf(sid: number): Promise<Mode | null> {
    const answer = await srvr(this.member(sid));
    return (/^Mode: (\w+)$/m.exec(answer)?.[1] as Mode | undefined) ?? null;
  }

  /** The sid of the leader, among those that run. */
  async leader(): Promise<number> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      for (const sid of this.running) if ((await this.modeOf(sid)) === "leader") return sid;
      if (Date.now() > deadline) throw new Error("nobody leads");
      await delay(pollMs);
    }
  }

  /** Waits until all members that run serve again, as after the loss of their leader. */
  async settled(): Promise<void> {
    const deadline = Date.now() + patienceMs;
    for (const sid of this.running) {
      while ((await this.modeOf(sid)) === null) {
        if (Date.now() > deadline) throw new Error(`server.${sid} does not serve again`);
        await delay(pollMs);
      }
    }
  }

  /** A connection to a member, without a handshake. */
  async stranger(sid: number, names: Names = new Names(0n)): Promise<Actor> {
    return new Actor(await WireConnection.open(this.member(sid).port), names);
  }

  /** A session with a member. */
  async visit(sid: number, options: ConnectOptions = {}): Promise<Actor> {
    const actor = await this.stranger(sid);
    if (!(await actor.connect(options))) throw new Error(`server.${sid} gives no session`);
    return actor;
  }

  /** Waits until the ephemerals of sessions whose clients have gone without a word are gone as well. */
  async hasNoEphemerals(): Promise<void> {
    for (const sid of this.running) await this.says(sid, "mntr", /^zk_ephemerals_count\t0$/m);
  }

  /** Waits until a member answers a word like that. */
  async says(sid: number, word: string, answer: RegExp): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (!answer.test(await this.member(sid).fourLetterWord(word))) {
      if (Date.now() > deadline) throw new Error(`server.${sid} does not come to say ${String(answer)} to ${word}`);
      await delay(pollMs);
    }
  }

  /** Expects of all members that run, when nobody writes and no session is about to end: the same tree, and no digest that was not the transaction's. */
  async expectAtOne(where: string): Promise<void> {
    const trees = new Map<number, string>();
    for (const sid of this.running) {
      const actor = await this.visit(sid);
      await actor.ask(sync("/"));
      await actor.ask(closeSession);
      trees.set(sid, await treeOf(this.member(sid)));
      const mismatches = /^zk_digest_mismatches_count\t(\d+)$/m.exec(await this.member(sid).fourLetterWord("mntr"));
      expect(mismatches?.[1], `${where}: digest mismatches of server.${sid}, ${this.member(sid).build}`).toBe("0");
    }
    const [first, ...others] = trees;
    for (const [sid, tree] of others) expect(tree, `${where}: server.${sid} and server.${first![0]}`).toBe(first![1]);
  }

  /**
   * Stops everybody, and expects that a server of the other build, standing alone, reads in each member's folder what the
   * ensemble had.
   */
  async expectReadableByOthers(): Promise<void> {
    const [any] = this.running;
    const expected = await treeOf(this.member(any!));
    for (const sid of this.sids) await this.member(sid).stop();
    for (const sid of this.sids) {
      const { build, dataFolder } = this.member(sid);
      const other: Build = build === "ours" ? "reference" : "ours";
      const folder = join(this.#folder, `read-${sid}`);
      cpSync(dataFolder, join(folder, "data"), { recursive: true });
      const reader = new TestServer(other, { folder });
      try {
        await timed(other, () => reader.start());
        expect(await treeOf(reader), `the folder of server.${sid}, ${build}, read by ${other}`).toBe(expected);
      } finally {
        await reader.kill();
      }
    }
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.kill()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Waits until a member has its election port, right before it looks for a leader; some bind it well after that for clients. */
  async takesVotes(sid: number): Promise<void> {
    const port = Number(this.quorumPorts[sid - 1]!.split(":")[1]);
    while (this.member(sid).isRunning && !(await listens(port, this.#hostOf(sid)))) await delay(pollMs);
  }

  #hostOf(sid: number): string {
    return this.#settings.areApart === true ? `127.0.0.${sid}` : "127.0.0.1";
  }

  #lineOf(sid: number, reader: number): string {
    const { builds, observers = 0, spares = 0, addressesOf } = this.#settings;
    const role = sid <= builds.length - observers - spares ? "participant" : "observer";
    const addresses = addressesOf?.(sid, reader) ?? `${this.#hostOf(sid)}:${this.quorumPorts[sid - 1]}`;
    return `${addresses}:${role}`;
  }

  #memberOf(sid: number, build: Build, further: EnsembleSettings["properties"] = {}): TestServer {
    const { builds, spares = 0 } = this.#settings;
    const known = this.sids.filter((other) => other <= builds.length - spares || other === sid);
    const lines = known.map((other) => [`server.${other}`, this.#lineOf(other, sid)] as const);
    const folder = join(this.#folder, `server-${sid}`);
    const own = Object.entries(this.#settings.config ?? {}).map(([key, value]) => {
      return [key, typeof value === "string" ? value.replace("FOLDER", folder) : value] as const;
    });
    return new TestServer(build, {
      folder,
      config: { ...quorumConfig, ...Object.fromEntries([...own, ...lines]) },
      isConfigKept: true,
      properties: { ...this.#settings.properties, ...this.#settings.propertiesOf?.[build], ...further },
      jars: this.#settings.jars ?? "server",
    });
  }
}

function listens(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** What it says of itself; "" when nobody answers. */
function srvr(member: TestServer): Promise<string> {
  return member.fourLetterWord("srvr").catch(() => "");
}

/** The tree as one text, without /zookeeper/config: each member writes it for itself, when it starts. */
async function treeOf({ port }: TestServer): Promise<string> {
  const znodes = await dumpTree(port);
  return dumpText(znodes.filter(({ path }) => path !== "/zookeeper/config"));
}
