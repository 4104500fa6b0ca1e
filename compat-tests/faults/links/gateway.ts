/**
 * The program that stands between one member and everybody else. A member lives in a network of its own that has nothing but a
 * loopback interface. There all other members' addresses are this gateway's: what the member connects to is a door, and behind
 * it the gateway of the other member, over a socket in a folder, which all networks share:
 *
 *   member 1 -> 127.0.0.2:2888 -> gateway 1 ======= 2.sock =======> gateway 2 -> 127.0.0.2:2888 -> member 2
 *               (network 1)                 from int | port int                  (network 2)
 *
 * Each gateway sees to what leaves its own member, answers included, so that both directions of a link can be ruled apart. It
 * is a process, so that a member which is stopped does not stop it. Its parent tells it the rules, and it ends with its parent.
 */

import { connect, createServer, type Socket } from "node:net";
import { Flow } from "./flow.ts";
import { connectPatiently, listen } from "./places.ts";
import { addressOf, type GatewayPlan, type LinkRule, openLink, socketOf } from "./rules.ts";

const headerBytes = 8;

interface Connection {
  readonly peer: number;
  readonly local: Socket;
  readonly flow: Flow;
  remote: Socket | null;
}

class Gateway {
  readonly #plan: GatewayPlan;
  readonly #connections = new Set<Connection>();
  #rules: Readonly<Record<number, LinkRule>> = {};

  constructor(plan: GatewayPlan) {
    this.#plan = plan;
  }

  async open(): Promise<void> {
    const { own, folder, doors } = this.#plan;
    const options = { allowHalfOpen: true, noDelay: true };
    const arrivals = createServer(options, (remote) => this.#arrive(remote));
    const listening = [listen(arrivals, { path: socketOf(folder, own) })];
    for (const { host, port, to, toPort } of doors) {
      const door = createServer(options, (local) => this.#leave(local, to, toPort));
      listening.push(listen(door, { host, port }));
    }
    await Promise.all(listening);
  }

  /** @param rules for what leaves to each of the others; those that are not named are open. */
  rule(rules: Readonly<Record<number, LinkRule>>): void {
    this.#rules = rules;
    for (const connection of this.#connections) {
      if (this.#ruleFor(connection.peer).kind === "refused") this.#cut(connection);
      else connection.flow.pump();
    }
  }

  #ruleFor(peer: number): LinkRule {
    return this.#rules[peer] ?? openLink;
  }

  /** The own member connects to another one. */
  #leave(local: Socket, peer: number, port: number): void {
    if (this.#ruleFor(peer).kind === "refused") {
      local.on("error", () => {});
      local.resetAndDestroy();
      return;
    }
    const connection: Connection = {
      peer,
      local,
      remote: null,
      flow: new Flow(
        local,
        () => {
          const remote = connect({ path: socketOf(this.#plan.folder, peer), allowHalfOpen: true });
          connection.remote = remote;
          this.#join(connection, remote);
          return remote;
        },
        () => this.#ruleFor(peer),
      ),
    };
    this.#keep(connection);
    const header = Buffer.alloc(headerBytes);
    header.writeInt32BE(this.#plan.own, 0);
    header.writeInt32BE(port, 4);
    connection.flow.send(header);
  }

  /** Another member connects to the own one. */
  #arrive(remote: Socket): void {
    remote.on("error", () => {});
    remote.once("readable", () => {
      const header = remote.read(headerBytes) as Buffer | null;
      if (header === null || header.length < headerBytes) {
        remote.destroy();
        return;
      }
      const peer = header.readInt32BE(0);
      if (this.#ruleFor(peer).kind === "refused") {
        remote.destroy();
        return;
      }
      const place = { host: addressOf(this.#plan.own), port: header.readInt32BE(4) };
      connectPatiently(place, (local) => this.#arrived(peer, local, remote));
    });
  }

  /** @param local null when the own member listens to nobody there. */
  #arrived(peer: number, local: Socket | null, remote: Socket): void {
    if (local === null || remote.destroyed || this.#ruleFor(peer).kind === "refused") {
      local?.destroy();
      remote.destroy();
      return;
    }
    const flow = new Flow(local, remote, () => this.#ruleFor(peer));
    const connection: Connection = { peer, local, remote, flow };
    this.#keep(connection);
    this.#join(connection, remote);
  }

  /** What comes from the other gateway has passed its rule: it goes to the member. */
  #join(connection: Connection, remote: Socket): void {
    const { local } = connection;
    remote.on("error", () => {});
    remote.on("data", (bytes: Buffer) => {
      if (local.destroyed) return;
      if (!local.write(bytes)) {
        remote.pause();
        local.once("drain", () => remote.resume());
      }
    });
    remote.on("end", () => local.end());
    remote.on("close", () => {
      local.destroySoon();
      this.#connections.delete(connection);
    });
  }

  #keep(connection: Connection): void {
    const { local } = connection;
    this.#connections.add(connection);
    local.on("error", () => {});
    local.once("close", () => {
      if (connection.remote === null) this.#connections.delete(connection);
      // What its peer has sent last has nowhere to go.
      else connection.remote.resume();
    });
  }

  #cut(connection: Connection): void {
    this.#connections.delete(connection);
    connection.local.resetAndDestroy();
    connection.remote?.destroy();
  }
}

const gateway = new Gateway(JSON.parse(process.argv[2]!) as GatewayPlan);
process.on("message", (rules: Readonly<Record<number, LinkRule>>) => {
  gateway.rule(rules);
  process.send!("ruled");
});
process.on("disconnect", () => process.exit());
await gateway.open();
process.send!("open");
