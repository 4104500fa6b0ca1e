/**
 * The network of an ensemble: how members and clients reach each other, and how they are kept from it.
 *
 * Members have one configuration, so each has one address, whoever asks for it. In a network namespace of its own a member
 * can still be shown something else behind the same address: a gateway (gateway.ts). That is all that namespaces are used for. A
 * bridge of veth pairs with routes that lead nowhere would drop packets in the kernel, but neither delay them nor refuse
 * connections (netem and iptables are missing in many kernels and containers), and leaves names behind in the system when a
 * run is killed; these namespaces have no names and end with the processes in them.
 *
 * Without the right to make namespaces there is a plain network: members listen on ports of the machine, and no link can be
 * touched.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../test/support/free-port.ts";
import { endedWithTests } from "../../reference/process.ts";
import { addressOf, type Door, type GatewayPlan, type LinkRule, openLink } from "./rules.ts";

/** A member's ports, and where clients reach it. */
export interface Place {
  readonly host: string;
  readonly quorumPort: number;
  readonly electionPort: number;
  readonly clientPort: number;
  /** On 127.0.0.1. */
  readonly reachedAt: number;
}

const program = fileURLToPath(new URL("gateway.ts", import.meta.url));
const [clientPort, quorumPort, electionPort] = [2181, 2888, 3888];
/** Where the clients are. */
export const outside = 0;

/** Whether this process may give others a network of their own. */
export function canMakeNetworks(): boolean {
  return spawnSync("unshare", ["--net", "ip", "link", "set", "lo", "up"], { stdio: "ignore" }).status === 0;
}

export class Links {
  readonly places: readonly Place[];
  readonly #gateways: readonly Gateway[];
  readonly #rules = new Map<number, Record<number, LinkRule>>();

  private constructor(places: readonly Place[], gateways: readonly Gateway[]) {
    this.places = places;
    this.#gateways = gateways;
  }

  /**
   * @param folder for the sockets between the gateways.
   * @param isCuttable whether each member has a network of its own.
   */
  static async open(folder: string, count: number, isCuttable: boolean): Promise<Links> {
    const sids = Array.from({ length: count }, (_, i) => i + 1);
    if (!isCuttable) return new Links(await Promise.all(sids.map(plainPlace)), []);
    mkdirSync(folder, { recursive: true });
    const places: Place[] = [];
    for (const sid of sids) {
      places.push({ host: addressOf(sid), quorumPort, electionPort, clientPort, reachedAt: await freePort() });
    }
    const plans: GatewayPlan[] = [{ own: outside, folder, doors: places.map((place, i) => clientDoor(place, i + 1)) }];
    for (const own of sids) {
      const doors = sids.filter((sid) => sid !== own).flatMap((to) => memberDoors(to));
      plans.push({ own, folder, doors });
    }
    const gateways = plans.map((plan) => new Gateway(plan));
    await Promise.all(gateways.map((gateway) => gateway.opened));
    return new Links(places, gateways);
  }

  get isCuttable(): boolean {
    return this.#gateways.length > 0;
  }

  /** The words before a program's that put it into a member's network. */
  wordsInto(sid: number): string[] {
    return this.isCuttable ? ["nsenter", `--net=/proc/${this.#gateways[sid]!.processId}/ns/net`] : [];
  }

  /** Rules what `from` sends to each of `to`; in force when this resolves. */
  async rule(from: number, to: readonly number[], rule: LinkRule): Promise<void> {
    const rules = this.#rules.get(from) ?? {};
    for (const other of to) rules[other] = rule;
    this.#rules.set(from, rules);
    await this.#gateways[from]!.rule(rules);
  }

  async heal(): Promise<void> {
    for (const [from, rules] of this.#rules) {
      await this.rule(from, Object.keys(rules).map(Number), openLink);
    }
    this.#rules.clear();
  }

  close(): void {
    for (const gateway of this.#gateways) gateway.end();
  }
}

/** The process, from its parent's side. */
class Gateway {
  readonly opened: Promise<void>;
  readonly #child: ChildProcess;
  readonly #own: number;
  #answered: () => void = () => {};
  #failed: (error: Error) => void = () => {};

  constructor(plan: GatewayPlan) {
    this.#own = plan.own;
    const own = [process.execPath, program, JSON.stringify(plan)];
    const inside = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$0" "$@"', ...own];
    const [command, ...words] = plan.own === outside ? own : inside;
    this.#child = spawn(command!, words, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    endedWithTests(this.#child);
    this.#child.on("message", () => this.#answered());
    this.#child.once("error", (error) => this.#failed(error));
    this.#child.once("exit", () => this.#failed(new Error(`the gateway of ${this.#own} has ended`)));
    this.opened = this.#answer();
  }

  get processId(): number {
    return this.#child.pid!;
  }

  async rule(rules: Readonly<Record<number, LinkRule>>): Promise<void> {
    const answer = this.#answer();
    this.#child.send(rules);
    await answer;
  }

  end(): void {
    this.#failed = () => {};
    this.#child.kill("SIGKILL");
  }

  #answer(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
    });
  }
}

async function plainPlace(): Promise<Place> {
  const port = await freePort();
  const [quorum, election] = [await freePort(), await freePort()];
  return { host: "127.0.0.1", quorumPort: quorum, electionPort: election, clientPort: port, reachedAt: port };
}

function clientDoor({ reachedAt }: Place, sid: number): Door {
  return { host: "127.0.0.1", port: reachedAt, to: sid, toPort: clientPort };
}

function memberDoors(to: number): Door[] {
  return [quorumPort, electionPort].map((port) => ({ host: addressOf(to), port, to, toPort: port }));
}
