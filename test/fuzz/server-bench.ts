/**
 * A whole server without a port, for bytes of clients: the real connections, pipeline, log and words, with a disk in memory, a clock
 * that stands still and turns that end when the bench says so. Two such servers that are told the same say the same, byte by
 * byte.
 *
 *   open()    a socket that the server has accepted; what it sends is kept
 *   turns()   turns end until nothing is under way any more
 *   restart   what the disk has, loaded into another database
 */

import { SeededRandom } from "#base/prng.ts";
import { WordService } from "#admin/word-service.ts";
import { defaultConfig, type ServerConfig } from "#config/server-config.ts";
import type { ListenOptions, Socket, SocketHandler, Wire } from "#host/wire.ts";
import { type Database, loadDatabase } from "#server/database.ts";
import { type DescriptorCounts, LiveFacts } from "#server/live-facts.ts";
import { treeOptionsOf } from "#server/persistence.ts";
import { StandaloneServer } from "#server/standalone.ts";
import type { HostParts } from "#server/host-parts.ts";
import type { Serving } from "#server/wiring.ts";
import { HeldTimers } from "../support/held-timers.ts";
import { MemoryDisk } from "../support/memory-disk.ts";
import { demand } from "./target.ts";

/** Longest frame that the server takes: small, so that inputs get to the limit and beyond. */
export const frameBytesMax = 4096;
const turnsMax = 100;
const nowMs = 1_700_000_000_000;

export class FakeSocket implements Socket {
  readonly remoteAddress: string;
  readonly remotePort = 40_000;
  readonly bufferedBytes = 0;
  handler: SocketHandler | null = null;
  isClosed = false;
  /** How often it was written to, or closed. */
  writeCount = 0;
  /** Told what it is sent. */
  onWrite: (bytes: Buffer) => void = () => {};
  #written: Buffer[] = [];

  constructor(remoteAddress = "10.0.0.1") {
    this.remoteAddress = remoteAddress;
  }

  /** What it was sent since the last time. */
  take(): Buffer {
    return Buffer.concat(this.#written.splice(0));
  }

  /** A chunk, whose bytes are gone after the call. */
  give(bytes: Uint8Array): void {
    if (this.isClosed) return;
    const chunk = Buffer.from(bytes);
    this.handler?.data(chunk);
    chunk.fill(0xdb);
  }

  /** The other end hangs up. */
  hangUp(): void {
    if (!this.isClosed) this.handler?.ended();
  }

  write(bytes: Uint8Array): boolean {
    if (this.isClosed) return true;
    const copy = Buffer.from(bytes);
    this.writeCount++;
    this.#written.push(copy);
    this.onWrite(copy);
    return true;
  }

  end(): void {
    this.#close();
  }

  destroy(): void {
    this.#close();
  }

  reset(): void {
    this.#close();
  }

  pause(): void {}
  resume(): void {}

  #close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.writeCount++;
    queueMicrotask(() => this.handler?.closed());
  }
}

/** Silent, and clocks that stand still. */
export const silentLogger: HostParts["logger"] = { debug() {}, info() {}, warn() {}, error() {} };
export const stoppedClock: HostParts["clock"] = { monotonicMs: () => 1_000, wallMs: () => nowMs };

export class ServerBench {
  readonly disk: MemoryDisk = new MemoryDisk(true);
  readonly timers: HeldTimers = new HeldTimers();
  readonly server: StandaloneServer;
  readonly #host: HostParts;
  #listening: ListenOptions | null = null;
  exitCode: number | null = null;

  private constructor() {
    const wire: Wire = {
      listen: async (options) => {
        this.#listening = options;
        return { address: options.address, port: options.port, close: async () => {} };
      },
      connect: () => {
        throw new Error("a standalone server connects to nobody");
      },
    };
    const { disk, timers } = this;
    this.#host = {
      clock: stoppedClock,
      timers,
      threads: null,
      disk,
      wire,
      logger: silentLogger,
      random: new SeededRandom(1),
      hashSeed: 7,
    };
    this.server = new StandaloneServer({
      config: benchConfig,
      host: this.#host,
      answerWord: (_server, connection, bytes) => words.take(connection, bytes),
      exit: (code) => {
        this.exitCode = code;
      },
    });
    const { server } = this;
    const facts = new LiveFacts(server, this.#host, () => environment);
    const words = new WordService({ server, facts, disk, logger: silentLogger, descriptors: () => descriptorCounts });
  }

  static async start(): Promise<ServerBench> {
    const bench = new ServerBench();
    await bench.server.start();
    return bench;
  }

  get serving(): Serving {
    return this.server.serving!;
  }

  open(remoteAddress?: string): FakeSocket {
    const socket = new FakeSocket(remoteAddress);
    socket.handler = this.#listening!.accept(socket);
    return socket;
  }

  /** Lets turns end until all that was asked for is durable, applied and answered. */
  async turns(): Promise<void> {
    for (let count = 0; count < turnsMax; count++) {
      this.timers.endTurn();
      await new Promise(setImmediate);
      demand(this.exitCode === null, `the server has ended itself with ${this.exitCode}`);
      const { pipeline, log } = this.serving;
      if (count > 2 && pipeline.outstanding === 0 && log.pendingBytes === 0) return;
    }
    demand(false, `something is still under way after ${turnsMax} turns`);
  }

  /** What a restart would find. */
  async restarted(): Promise<Database> {
    const { database } = await loadDatabase({
      disk: this.disk.crash(() => false),
      clock: stoppedClock,
      timers: this.timers,
      threads: null,
      logger: silentLogger,
      tickTimeMs: benchConfig.tickTimeMs,
      dataDir: benchConfig.dataDir,
      dataLogDir: benchConfig.dataLogDir,
      isDatadirAutocreate: false,
      isEmptySnapshotTrusted: false,
      isDbAutocreate: false,
      tree: treeOptionsOf(benchConfig, this.#host),
    });
    return database;
  }
}

const benchConfig: ServerConfig = {
  ...defaultConfig().config,
  dataDir: "/d",
  dataLogDir: "/d",
  preAllocSizeKb: 0,
  juteMaxBufferBytes: frameBytesMax,
  juteMaxBufferExtraBytes: 1024,
  enforceQuota: true,
  reconfigEnabled: true,
  maxClientCnxns: 0,
};

const descriptorCounts: DescriptorCounts = { openCount: 1, maxCount: 2 };

const environment: ReturnType<ConstructorParameters<typeof LiveFacts>[2]> = {
  timeZone: "UTC",
  hostName: "h1",
  platform: "linux",
  architecture: "x64",
  osRelease: "6",
  userName: "zookeeper",
  userHome: "/home",
  workingFolder: "/",
  temporaryFolder: "/tmp",
  memoryFreeBytes: 1,
  memoryMaxBytes: 2,
  memoryTotalBytes: 2,
};
