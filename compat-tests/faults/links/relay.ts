/**
 * An address of a server at which something else stands: it leads there what connects, until it is cut. Whoever is to come that way
 * is told the relay's address in place of the server's; that takes no network of its own, as a gateway does.
 */

import { createServer, type Server, type Socket } from "node:net";
import { Flow } from "./flow.ts";
import { connectPatiently, listen, type TcpPlace } from "./places.ts";
import { openLink } from "./rules.ts";

export class Relay {
  readonly #at: TcpPlace;
  readonly #to: TcpPlace;
  /** What it leads on, by the near ends. */
  readonly #led = new Map<Socket, readonly Flow[]>();
  #server: Server | null = null;

  constructor(at: TcpPlace, to: TcpPlace) {
    this.#at = at;
    this.#to = to;
  }

  /** How many connections it has led to the server and not lost since. */
  get connections(): number {
    return this.#led.size;
  }

  async open(): Promise<void> {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.#lead(near));
    await listen(this.#server, this.#at);
  }

  /** Connections are reset from now on, those that are there and those that are tried. */
  cut(): void {
    this.#server?.close();
    this.#server = null;
    for (const near of this.#led.keys()) near.resetAndDestroy();
  }

  #lead(near: Socket): void {
    near.on("error", () => {});
    connectPatiently(this.#to, (far) => {
      if (far === null || near.destroyed || this.#server === null) {
        near.resetAndDestroy();
        far?.destroy();
        return;
      }
      far.on("error", () => {});
      this.#led.set(near, [new Flow(near, far, () => openLink), new Flow(far, near, () => openLink)]);
      near.once("close", () => this.#led.delete(near));
    });
  }
}
