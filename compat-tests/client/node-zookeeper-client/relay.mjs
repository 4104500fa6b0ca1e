/**
 * A port in front of the server through which a client can be made to fall silent, lose its connection or be kept away.
 *
 *   forwarding   bytes go both ways
 *   silent       connections stay open and new ones are accepted, but no byte passes: as of a frozen client
 *   closed       connections have been cut and new ones are cut at once: as of a pulled cable
 *   refusing     the connections there are go on, new ones are cut at once
 */

import { connect, createServer } from "node:net";
import { once } from "node:events";

export class Relay {
  hosts = "";
  mode = "forwarding";
  /** Connections that the server has ended. */
  cutByServer = 0;
  #server;
  #sockets = new Set();

  constructor(server) {
    this.#server = server;
  }

  static async open(server) {
    const relay = new Relay(server);
    const listener = createServer((socket) => relay.#accept(socket));
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    relay.hosts = `127.0.0.1:${listener.address().port}`;
    return relay;
  }

  /** Forwards new connections; those of a silent time are cut, so that their clients come again. */
  forward() {
    if (this.mode === "silent") this.#cutAll();
    this.mode = "forwarding";
  }

  fallSilent() {
    this.mode = "silent";
  }

  close() {
    this.mode = "closed";
    this.#cutAll();
  }

  refuse() {
    this.mode = "refusing";
  }

  #accept(client) {
    client.on("error", () => {});
    if (this.mode === "closed" || this.mode === "refusing") {
      client.destroy();
      return;
    }
    this.#sockets.add(client);
    if (this.mode === "silent") return;
    const [host, port] = this.#server.split(":");
    const server = connect(Number(port), host);
    this.#sockets.add(server);
    this.#pump(client, server);
    this.#pump(server, client);
    server.on("close", () => {
      this.cutByServer++;
    });
  }

  #pump(source, target) {
    source.on("error", () => {});
    source.on("data", (data) => {
      if (this.mode !== "silent") target.write(data);
    });
    source.on("close", () => {
      this.#sockets.delete(source);
      if (this.mode !== "silent") target.destroy();
    });
  }

  #cutAll() {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }
}
