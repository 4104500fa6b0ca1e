/** Several servers, each a process of either kind, that form an ensemble on this machine. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { type ServerKind, type ServerOptions, ServerProcess } from "./server-process.ts";
import { fourLetterWord } from "./wire-client.ts";

export interface EnsembleOptions {
  /** One for each member: server 1 is the first. */
  readonly kinds: readonly ServerKind[];
  /** How many of them, the last, observe. */
  readonly observers?: number;
  /** How many, the last of all, are no members at first: each observes, by its own zoo.cfg alone. */
  readonly spares?: number;
  readonly settings?: NonNullable<ServerOptions["settings"]>;
  /** How each of them is run. */
  readonly server?: Omit<ServerOptions, "kind" | "settings" | "folder">;
  /** What their folders go into; without it each has a temporary one. */
  readonly folder?: string;
}

export class EnsembleProcess {
  /** Server N is at N - 1. */
  readonly servers: readonly ServerProcess[];
  /** Ports between the servers, in the same order. */
  readonly quorumPorts: readonly { readonly quorum: number; readonly election: number }[];

  private constructor(
    servers: readonly ServerProcess[],
    quorumPorts: readonly { readonly quorum: number; readonly election: number }[],
  ) {
    this.servers = servers;
    this.quorumPorts = quorumPorts;
  }

  /** The members with their folders, zoo.cfg and myid, not started yet. */
  static async prepare(options: EnsembleOptions): Promise<EnsembleProcess> {
    const { kinds, observers = 0, spares = 0 } = options;
    const members: Record<string, string> = {};
    const quorumPorts: { quorum: number; election: number }[] = [];
    for (let i = 0; i < kinds.length; i++) {
      const role = i < kinds.length - observers - spares ? "participant" : "observer";
      const [quorum, election] = [await freePort(), await freePort()];
      members[`server.${i + 1}`] = `127.0.0.1:${quorum}:${election}:${role}`;
      quorumPorts.push({ quorum, election });
    }
    const servers: ServerProcess[] = [];
    for (const [i, kind] of kinds.entries()) {
      const known = Object.entries(members).filter((_, at) => at < kinds.length - spares || at === i);
      const server = await ServerProcess.prepare({
        kind,
        settings: { tickTime: 300, initLimit: 20, syncLimit: 10, ...options.settings, ...Object.fromEntries(known) },
        ...options.server,
        ...(options.folder === undefined ? {} : { folder: join(options.folder, `server-${i + 1}`) }),
      });
      writeFileSync(join(server.folder, "data", "myid"), `${i + 1}\n`);
      servers.push(server);
    }
    return new EnsembleProcess(servers, quorumPorts);
  }

  /** All members, serving. */
  static async start(options: EnsembleOptions): Promise<EnsembleProcess> {
    const ensemble = await EnsembleProcess.prepare(options);
    for (const server of ensemble.servers) server.launch();
    await ensemble.settled();
    return ensemble;
  }

  get ports(): number[] {
    return this.servers.map(({ port }) => port);
  }

  /** Resolves when every member that runs serves. */
  async settled(): Promise<void> {
    for (const server of this.servers) if (server.isRunning) await server.waitUntilServing();
  }

  /** What a member says it is: `leader`, `follower`, `observer`; "" when it serves nobody. */
  async modeOf(server: ServerProcess): Promise<string> {
    return /^Mode: (\w+)/m.exec(await fourLetterWord(server.port, "srvr"))?.[1] ?? "";
  }

  /** The leader, among those that run. */
  async leader(): Promise<ServerProcess> {
    for (const server of this.servers) {
      if (server.isRunning && (await this.modeOf(server)) === "leader") return server;
    }
    throw new Error("nobody leads");
  }

  async dispose(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.dispose()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
