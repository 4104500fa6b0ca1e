/**
 * A whole member of an ensemble of three, h1 to h3, whose peers are played by the test: the real ports, election, roles, log and
 * snapshots, with a disk in memory and time that passes when the bench says so.
 *
 *   start      loads, binds its ports, looks for a leader
 *   asks       connections that it wants to make: accepted, with a socket, or refused
 *   join       somebody connects to one of its ports
 *   turns      turns end until nothing more is said
 *
 * Two benches that are told the same say the same.
 */

import { SeededRandom } from "#base/prng.ts";
import { loadConfig } from "#config/server-config.ts";
import type { ConnectOptions, ListenOptions, Wire } from "#host/wire.ts";
import { encodeInitialMessage } from "#quorum/initial-message.ts";
import { encodeNotification } from "#quorum/notification.ts";
import { ServerState, type Vote } from "#quorum/vote.ts";
import { EnsembleMember } from "#server/ensemble-member.ts";
import { HeldTimers } from "../support/held-timers.ts";
import { MemoryDisk } from "../support/memory-disk.ts";
import { FakeSocket, silentLogger } from "./server-bench.ts";
import { demand } from "./target.ts";

export const clientPort = 2181;
export const quorumPort = 2888;
export const electionPort = 3888;
const turnsMin = 4;
const turnsMax = 60;
const wallMs = 1_700_000_000_000;
const folder = "/data/version-2";

const members = [1, 2, 3].map((sid) => `server.${sid}=h${sid}:${quorumPort}:${electionPort};h${sid}:${clientPort}`);
const zooCfg = `dataDir=/data
tickTime=2000
initLimit=10
syncLimit=5
reconfigEnabled=true
standaloneEnabled=false
preAllocSize=0
${members.join("\n")}
`;
/** The members as they are before any change, as servers tell each other. */
export const configText: string = [...members.map((line) => line.replace(";", ":participant;")), "version=0"].join(
  "\n",
);

export class MemberBench {
  readonly sid: number;
  readonly disk: MemoryDisk = new MemoryDisk(true);
  readonly timers: HeldTimers = new HeldTimers();
  readonly member: EnsembleMember;
  /** Connections that it has asked for and that nobody has answered. */
  readonly asks: ConnectOptions[] = [];
  nowMs = 1_000;
  exitCode: number | null = null;
  /** Called while turns end: what honest peers answer. */
  onTurn: () => void = () => {};
  #lastError = "";
  readonly #listening = new Map<number, ListenOptions>();
  readonly #sockets: FakeSocket[] = [];

  constructor(sid: number) {
    this.sid = sid;
    const { config } = loadConfig({
      text: Buffer.from(zooCfg),
      file: "/conf/zoo.cfg",
      systemProperties: new Map(),
      readMyid: () => String(sid),
    });
    this.disk.put("/conf/zoo.cfg", Buffer.from(zooCfg));
    this.member = new EnsembleMember({
      config,
      ensemble: config.ensemble!,
      host: {
        clock: { monotonicMs: () => this.nowMs, wallMs: () => wallMs + this.nowMs },
        timers: this.timers,
        threads: null,
        disk: this.disk,
        wire: this.#wire(),
        logger: {
          ...silentLogger,
          error: (facts, message) => (this.#lastError = `${message} ${JSON.stringify(facts)}`),
        },
        random: new SeededRandom(sid),
        hashSeed: 7,
      },
      answerWord: () => false,
      exit: (code) => {
        this.exitCode = code;
      },
    });
  }

  /** Puts files there before the start. */
  put(files: Readonly<Record<string, Uint8Array>>): this {
    for (const [name, bytes] of Object.entries(files)) this.disk.put(`${folder}/${name}`, bytes);
    return this;
  }

  async start(): Promise<this> {
    await this.member.start();
    await this.turns();
    return this;
  }

  /** Somebody connects to that port. */
  join(port: number, remoteAddress: string): FakeSocket {
    const listening = this.#listening.get(port);
    demand(listening !== undefined, `nobody listens on port ${port}`);
    const socket = new FakeSocket(remoteAddress);
    this.#sockets.push(socket);
    socket.handler = listening.accept(socket);
    return socket;
  }

  isListening(port: number): boolean {
    return this.#listening.has(port);
  }

  /** Answers what it wants of that place. @returns null when it wants nothing. */
  accept(host: string, port: number): FakeSocket | null {
    const at = this.asks.findIndex((ask) => ask.host === host && ask.port === port);
    if (at < 0) return null;
    const [ask] = this.asks.splice(at, 1);
    const socket = new FakeSocket(host);
    this.#sockets.push(socket);
    socket.handler = ask!.connected(socket);
    return socket;
  }

  /** Nobody is where it wants to connect to. */
  refuseAll(): void {
    for (const ask of this.asks.splice(0))
      ask.failed(Object.assign(new Error("ECONNREFUSED"), { code: "ECONNREFUSED" }));
  }

  /** Lets turns end until nobody says anything any more. */
  async turns(): Promise<void> {
    let quietCount = 0;
    for (let count = 0; quietCount < turnsMin; count++) {
      demand(count < turnsMax, `something is still going on after ${turnsMax} turns`);
      const before = this.#saidCount;
      this.timers.endTurn();
      await new Promise(setImmediate);
      this.onTurn();
      quietCount = this.#saidCount === before ? quietCount + 1 : 0;
      demand(this.exitCode === null, `the member has ended itself: ${this.#lastError}`);
    }
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    this.timers.pass(ms);
    await this.turns();
  }

  get #saidCount(): number {
    return this.#sockets.reduce((sum, { writeCount }) => sum + writeCount, this.asks.length);
  }

  #wire(): Wire {
    return {
      listen: async (options) => {
        this.#listening.set(options.port, options);
        const close = async (): Promise<void> => {
          if (this.#listening.get(options.port) === options) this.#listening.delete(options.port);
        };
        return { address: options.address, port: options.port, close };
      },
      connect: (options) => void this.asks.push(options),
    };
  }
}

/** The first words of a member on the election port. */
export function firstWords(sid: number): Buffer {
  return encodeInitialMessage(BigInt(sid), [{ host: `h${sid}`, port: electionPort }]);
}

/** A vote as it goes over the wire. */
export function voteBytes(vote: Partial<Vote>, config: string = configText): Buffer {
  const whole = {
    leader: 3n,
    zxid: 0n,
    electionEpoch: 1n,
    peerEpoch: 0n,
    state: ServerState.looking,
    version: 2,
    ...vote,
  };
  const message = encodeNotification(whole, config);
  const length = Buffer.alloc(4);
  length.writeInt32BE(message.length);
  return Buffer.concat([length, message]);
}
