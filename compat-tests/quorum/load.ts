/**
 * Clients that never stop asking while the servers under them are stopped, killed and replaced: kazoo, the official Java client,
 * go-zookeeper (client/README.md, "steady-load"). Each of them says what was acknowledged; in the end all of it must be
 * there, in order, and no session may have ended.
 */

import { expect } from "vitest";
import { goZookeeper, javaClient, kazoo } from "../client/programs.ts";
import { dumpTree, type ZnodeDump } from "../disk/tree-dump.ts";
import type { ClientProcess } from "../reference/process.ts";

export type LoadName = "kazoo" | "java" | "go";

const starters: Readonly<Record<LoadName, (hosts: string) => ClientProcess>> = {
  kazoo: (hosts) => kazoo("2.11.0", hosts, "steady-load", "kazoo"),
  java: (hosts) => javaClient("server", hosts, "steady-load"),
  go: (hosts) => goZookeeper(hosts, "steady-load"),
};

/** A line of a client. */
type Told = readonly [what: string, ...facts: unknown[]];

export interface LoadReport {
  readonly acknowledged: number;
  /** Calls of which nobody knows whether they took effect. */
  readonly lost: number;
}

export class SteadyLoad {
  readonly #clients: ReadonlyMap<LoadName, ClientProcess>;

  private constructor(clients: ReadonlyMap<LoadName, ClientProcess>) {
    this.#clients = clients;
  }

  /** Clients that have begun to write. */
  static async start(hosts: string, names: readonly LoadName[] = ["kazoo", "java", "go"]): Promise<SteadyLoad> {
    const load = new SteadyLoad(new Map(names.map((name) => [name, starters[name](hosts)])));
    await load.goesOn();
    return load;
  }

  /** Writes acknowledged so far. */
  get acknowledged(): number {
    let count = 0;
    for (const client of this.#clients.values()) count += client.lines.filter(isAcknowledgement).length;
    return count;
  }

  /** Waits until each client has had so many more writes acknowledged. */
  async goesOn(count = 30): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => moreAcknowledged(client, count)));
  }

  /** Ends it, and expects that the server at `port` has all that was acknowledged, by znodes written in order. */
  async expectAllKept(port: number): Promise<LoadReport> {
    let lost = 0;
    for (const client of this.#clients.values()) client.write("end");
    const told = new Map<LoadName, readonly Told[]>();
    for (const [name, client] of this.#clients) {
      const lines = (await client.end()).filter((line) => line.startsWith("[")).map((line) => JSON.parse(line) as Told);
      expect(
        lines.filter(([what]) => what === "broken" || what === "expired"),
        name,
      ).toEqual([]);
      expect(
        lines.find(([what]) => what === "live"),
        `${name}: its ephemeral`,
      ).toEqual(["live", true]);
      lost += lines.filter(([what]) => what === "lost").length;
      told.set(name, lines);
    }
    const tree = new Map((await dumpTree(port, "/load")).map((znode) => [znode.path, znode]));
    for (const [name, lines] of told) expectKept(name, lines, tree);
    return { acknowledged: this.acknowledged, lost };
  }

  kill(): void {
    for (const client of this.#clients.values()) client.kill();
  }
}

function isAcknowledgement(line: string): boolean {
  return line.startsWith('["created"') || line.startsWith('["set"') || line.startsWith('["committed"');
}

async function moreAcknowledged(client: ClientProcess, count: number): Promise<void> {
  let seen = client.lines.length;
  for (let left = count; left > 0;) {
    const line = await client.lineAt(seen++);
    if (line === null) throw new Error(`the client ended: ${client.errors.join("")}`);
    if (isAcknowledgement(line)) left--;
  }
}

function textOf(tree: ReadonlyMap<string, ZnodeDump>, path: string): string | null {
  const data = tree.get(path)?.data;
  return data === undefined || data === null ? null : Buffer.from(data, "base64").toString();
}

function expectKept(name: LoadName, lines: readonly Told[], tree: ReadonlyMap<string, ZnodeDump>): void {
  const home = `/load/${name}`;
  const missing: string[] = [];
  let lastSequence = "";
  let lastSet = -1;
  let lastCommitted = -1;
  for (const [what, first, second] of lines) {
    if (what === "created") {
      const path = String(first);
      if (textOf(tree, path) !== String(second)) missing.push(path);
      expect(path > lastSequence, `${path} behind ${lastSequence}`).toBe(true);
      lastSequence = path;
    } else if (what === "set") {
      expect(Number(first), `${home}: versions grow`).toBeGreaterThan(lastSet);
      lastSet = Number(first);
    } else if (what === "committed") {
      lastCommitted = Number(first);
      if (textOf(tree, `${home}/t-${lastCommitted}`) !== String(lastCommitted))
        missing.push(`${home}/t-${lastCommitted}`);
    }
  }
  expect(missing, `acknowledged and lost, ${name}`).toEqual([]);
  expect(tree.get(home)?.stat.version ?? -1).toBeGreaterThanOrEqual(lastSet);
  expect(Number(textOf(tree, `${home}/last`))).toBeGreaterThanOrEqual(lastCommitted);
}
