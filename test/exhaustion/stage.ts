/**
 * Where an attack takes place: a server or an ensemble in processes of their own, a well-behaved client in another, and the
 * attacker, which is the process that runs this. {@link Stage.beside} is the measuring: how the client fares before and during
 * the attack, what the server's memory and its event loop do meanwhile.
 */

import { existsSync } from "node:fs";
import { setTimeout as after } from "node:timers/promises";
import { readProbe, withProbe } from "../bench/probed-server.ts";
import { EnsembleProcess, type EnsembleOptions } from "../support/ensemble-process.ts";
import { residentBytes, ServerProcess, type ServerOptions } from "../support/server-process.ts";
import type { Scale, Values } from "./attack.ts";
import { BystanderProcess } from "./bystander-process.ts";
import type { BystanderReport } from "./bystander-report.ts";

/** Attackers come from an address of their own, as strangers do: limits for each address are not the well-behaved client's. */
export const attackerAddress = "127.0.0.2";

/** Below that a p99 is the machine's mood. */
const p99FloorMs = 10;
const sampleEveryMs = 25;
const megabyte = 1e6;

export class Stage implements AsyncDisposable {
  readonly scale: Scale;
  /** How long attacks go on that have no end of their own. */
  readonly minutes: number;
  readonly #entry: string | undefined;
  readonly #things: { dispose(): Promise<void> }[] = [];
  readonly #servers = new Map<string, ServerProcess>();
  readonly #bystanders = new Map<string, BystanderProcess>();

  constructor(
    scale: Scale,
    options: { readonly entry?: string | undefined; readonly minutes?: number | undefined } = {},
  ) {
    this.scale = scale;
    this.minutes = options.minutes ?? this.pick(0.02, 1);
    this.#entry = options.entry;
  }

  /** The one number at scale small, the other at scale full. */
  pick(small: number, full: number): number {
    return this.scale === "small" ? small : full;
  }

  /**
   * A server that serves. It is as an operator runs it, with a probe for its event loop; attacks on the same stage that want the
   * same get the same, one after the other, so that each meets what the last one has left.
   */
  async server(options: ServerOptions = {}): Promise<ServerProcess> {
    const key = JSON.stringify(options);
    const known = this.#servers.get(key);
    if (known?.isRunning === true) return known;
    const server = await this.prepare(options);
    this.#servers.set(key, server);
    await server.restart();
    return server;
  }

  /** The same, not started yet. */
  async prepare(options: ServerOptions = {}): Promise<ServerProcess> {
    const server = await ServerProcess.prepare({
      ...this.#process(),
      ...options,
      runtimeArguments: this.#runtime(options),
    });
    this.#things.push(server);
    return server;
  }

  async ensemble(settings: EnsembleOptions["settings"] = {}): Promise<EnsembleProcess> {
    const ensemble = await EnsembleProcess.start({
      kinds: ["ours", "ours", "ours"],
      settings,
      server: { ...this.#process(), runtimeArguments: this.#runtime({}) },
    });
    this.#things.push(ensemble);
    return ensemble;
  }

  /**
   * Attacks with a well-behaved client at the same servers. @throws when a server ends.
   * @param watched whose memory and event loop are looked at.
   */
  async beside(
    watched: ServerProcess,
    attack: () => Promise<Values | void>,
    ports: readonly number[] = [watched.port],
  ): Promise<Values> {
    const bystander = await this.#bystanderAt(ports);
    await after(this.pick(200, 2000));
    const before = await bystander.report();
    await readProbe(watched.folder);
    const memory = new MemoryWatch(watched.pid);
    try {
      const own = await attack();
      const during = await bystander.report();
      const { stallMs, busyMs } = await readProbe(watched.folder);
      return { ...latencies(before, during), stallMs, busyMs, ...memory.values(), ...own };
    } catch (error) {
      if (watched.isRunning) throw error;
      throw new Error(`the server ended\n${watched.stderr}${watched.stdout}`, { cause: error });
    } finally {
      memory.end();
    }
  }

  /** One for all attacks at the same ports. */
  async #bystanderAt(ports: readonly number[]): Promise<BystanderProcess> {
    const key = ports.join(" ");
    const known = this.#bystanders.get(key);
    if (known?.isRunning === true) return known;
    const bystander = await BystanderProcess.start(ports);
    this.#bystanders.set(key, bystander);
    this.#things.push(bystander);
    return bystander;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const thing of this.#things.reverse()) await thing.dispose();
  }

  #process(): Pick<ServerOptions, "kind" | "isScribbling" | "startTimeoutMs" | "entry"> {
    return {
      kind: "ours",
      isScribbling: false,
      startTimeoutMs: 120_000,
      ...(this.#entry === undefined ? {} : { entry: this.#entry }),
    };
  }

  #runtime({ runtimeArguments = [] }: ServerOptions): string[] {
    return [...runtimeArguments, ...withProbe<ServerOptions>({}).runtimeArguments!];
  }
}

function latencies(before: BystanderReport, during: BystanderReport): Values {
  const { p50Ms, p99Ms, maxMs, sessionsLost } = during;
  if (during.operations === 0) throw new Error("the well-behaved client was not answered at all");
  return { p50Ms, p99Ms, maxMs, sessionsLost, p99Times: p99Ms / Math.max(p99FloorMs, before.p99Ms) };
}

/** Looks at a process's memory again and again. */
class MemoryWatch {
  readonly #pid: number;
  readonly #beforeBytes: number;
  readonly #timer: NodeJS.Timeout;
  #bytes: number;
  #peakBytes: number;

  constructor(pid: number) {
    this.#pid = pid;
    this.#beforeBytes = residentBytes(pid);
    this.#bytes = this.#beforeBytes;
    this.#peakBytes = this.#beforeBytes;
    this.#timer = setInterval(() => this.#look(), sampleEveryMs);
  }

  values(): Values {
    this.#look();
    return {
      grownMb: (this.#bytes - this.#beforeBytes) / megabyte,
      peakMb: (this.#peakBytes - this.#beforeBytes) / megabyte,
    };
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** A process that has ended has no memory; whoever asked it something hears of that. */
  #look(): void {
    if (!existsSync(`/proc/${this.#pid}`)) return;
    this.#bytes = residentBytes(this.#pid);
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytes);
  }
}
