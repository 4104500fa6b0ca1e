/**
 * An ensemble whose members change while it runs: it is asked for changes, and what clients are told and files say is gathered. Ports
 * and versions have names there, so that what two ensembles say can be compared.
 */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../test/support/free-port.ts";
import { superUser } from "../reference/server.ts";
import { auth, getData, reconfig, type ReconfigWords, sync } from "../wire/requests.ts";
import { Reader } from "../wire/reader.ts";
import type { TestEnsemble } from "./ensemble.ts";

const patienceMs = 60_000;

interface Place {
  hosts: readonly string[];
  quorum: number;
  election: number;
  client: number;
  role: "participant" | "observer";
}

export class MembersStory {
  readonly ensemble: TestEnsemble;
  readonly lines: string[] = [];
  readonly places: Map<number, Place> = new Map();
  readonly #names = new Map<string, string>();
  readonly #versions: string[] = [];

  constructor(ensemble: TestEnsemble) {
    this.ensemble = ensemble;
    for (const sid of ensemble.sids) {
      const [quorum, election] = ensemble.quorumPorts[sid - 1]!.split(":").map(Number) as [number, number];
      const client = ensemble.member(sid).port;
      this.places.set(sid, { hosts: ["127.0.0.1"], quorum, election, client, role: "participant" });
      this.#name(sid, "", this.places.get(sid)!);
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
    const { hosts, quorum, election, client } = this.places.get(sid)!;
    const addresses = hosts.map((host) => `${host}:${quorum}:${election}`).join("|");
    return `server.${sid}=${addresses}:${role};127.0.0.1:${client}`;
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
