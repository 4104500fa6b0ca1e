/**
 * Many clients in one process, of which each does little.
 *
 *   hold      sessions that do nothing, until standard input ends
 *   watches   the same with watches: each client watches that many znodes
 *   fanOut    every client watches one znode, which one more client changes again and again, each time all have heard of it;
 *             they wait in the kernel
 *   connects  sessions opened and closed, one after the other in each of some slots
 *
 * Run as `node crowd.ts PLAN`, with a CrowdPlan as JSON. Prints a line of JSON: when all is in place (hold, watches), or when it
 * has measured. Events are counted by their bytes, since all are equally long.
 */

import { connect, type Socket } from "node:net";
import { Bytes } from "../support/bytes.ts";
import { WireClient } from "../support/wire-client.ts";
import { body, connectRequest, op, requestFrame } from "../support/wire-frames.ts";
import { BlockingSocket } from "./blocking-socket.ts";
import type { Values } from "./bench.ts";
import { CpuMeter } from "./cpu-meter.ts";
import { LatencyHistogram } from "./histogram.ts";
import { znodePath } from "./request-template.ts";

export interface CrowdPlan {
  readonly kind: "hold" | "watches" | "fanOut" | "connects";
  readonly port: number;
  readonly serverPids: readonly number[];
  readonly clients: number;
  /** The tree whose znodes are watched, and how many by each client. */
  readonly root?: string;
  readonly watchesEach?: number;
  readonly warmupMs?: number;
  readonly measureMs?: number;
}

/** Connections that are opened side by side. */
const openingMax = 200;
const hotPath = `/hot-${process.pid}`;
/** addWatch's mode that outlives events. */
const persistentMode = 0;
/** All of them read into this one: a read is over when its callback returns. */
const chunk = Buffer.allocUnsafeSlow(64 * 1024);

/** A client that counts bytes. */
class CrowdClient {
  bytes = 0;
  onBytes: (count: number) => void = () => {};
  readonly #socket: Socket;

  constructor(port: number) {
    this.#socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      onread: {
        buffer: chunk,
        callback: (count) => {
          this.bytes += count;
          this.onBytes(count);
          return true;
        },
      },
    });
    this.#socket.on("error", (error) => fail(error.message));
    this.#socket.on("close", () => fail("the server closed a connection"));
  }

  /** From now on it waits in the kernel. */
  block(): BlockingSocket {
    return new BlockingSocket(this.#socket);
  }

  /** Sends, and resolves when that many bytes have come back. */
  ask(bytes: Uint8Array, answerBytes: number): Promise<void> {
    const wanted = this.bytes + answerBytes;
    return new Promise((resolve) => {
      this.onBytes = () => {
        if (this.bytes >= wanted) resolve();
      };
      this.#socket.write(bytes);
    });
  }
}

/** A frame's length and the reply header behind it. */
const emptyReplyBytes = 20;
const handshakeBytes = 41;
const statBytes = 68;

async function main(plan: CrowdPlan): Promise<Values> {
  if (plan.kind === "connects") return measureConnects(plan);
  const clients = await openAll(plan);
  if (plan.kind === "fanOut") return measureFanOut(plan, clients);
  if (plan.kind === "watches") await setWatches(plan, clients);
  return { clients: clients.length };
}

async function openAll({ port, clients: count }: CrowdPlan): Promise<CrowdClient[]> {
  const clients: CrowdClient[] = [];
  const open = async (): Promise<void> => {
    while (clients.length < count) {
      const client = new CrowdClient(port);
      clients.push(client);
      await client.ask(connectRequest({ timeoutMs: 40_000 }), handshakeBytes);
    }
  };
  await Promise.all(Array.from({ length: Math.min(openingMax, count) }, open));
  return clients;
}

/** Each client asks for the data of its own znodes and watches them. */
async function setWatches({ root = "", watchesEach = 0 }: CrowdPlan, clients: readonly CrowdClient[]): Promise<void> {
  for (const [index, client] of clients.entries()) {
    const requests: Buffer[] = [];
    for (let i = 0; i < watchesEach; i++) {
      const path = znodePath(root, index * watchesEach + i);
      requests.push(requestFrame(i + 1, op.exists, body.watched(path, true)));
    }
    await client.ask(Buffer.concat(requests), watchesEach * (emptyReplyBytes + statBytes));
  }
}

async function measureFanOut(plan: CrowdPlan, clients: readonly CrowdClient[]): Promise<Values> {
  const visitor = await WireClient.connect(plan.port);
  await visitor.create(hotPath);
  const watch = requestFrame(1, op.addWatch, new Bytes().string(hotPath).int(persistentMode).build());
  await Promise.all(clients.map((client) => client.ask(watch, emptyReplyBytes + 4)));
  const writer = new CrowdClient(plan.port);
  await writer.ask(connectRequest({ timeoutMs: 40_000 }), handshakeBytes);
  const fanOut = new FanOut(
    writer.block(),
    clients.map((client) => client.block()),
  );
  fanOut.run(performance.now() + (plan.warmupMs ?? 0), new LatencyHistogram());
  const latency = new LatencyHistogram();
  return measured(plan, async (untilMs) => {
    const rounds = fanOut.run(untilMs, latency);
    return { operations: rounds * clients.length, ...latency.summary() };
  });
}

/** How many watchers are read from for each one that is waited for. */
const stride = 100;

/** A writer and those who watch what it writes. */
class FanOut {
  readonly #writer: BlockingSocket;
  /** In the order in which they are read from. */
  readonly #watchers: readonly BlockingSocket[];
  readonly #write = requestFrame(1, op.setData, new Bytes().string(hotPath).string("x").int(-1).build());
  readonly #input = Buffer.allocUnsafeSlow(1024);
  /** Behind the header: type, state, path. */
  readonly #eventBytes = emptyReplyBytes + 4 + 4 + 4 + hotPath.length;

  constructor(writer: BlockingSocket, watchers: readonly BlockingSocket[]) {
    this.#writer = writer;
    // A server tells them one after the other. Whoever waits for each is woken for each, which costs the server more than
    // to tell it; so the last of every hundred comes first, and then those before it, who were told meanwhile.
    this.#watchers = Array.from({ length: Math.ceil(watchers.length / stride) }, (_, i) =>
      watchers.slice(i * stride, (i + 1) * stride).toReversed(),
    ).flat();
  }

  /** Writes again and again, each time that all have been told of the last. @returns how often. */
  run(untilMs: number, latency: LatencyHistogram): number {
    let rounds = 0;
    for (let nowMs = performance.now(); nowMs < untilMs; rounds++) {
      const fromMs = nowMs;
      this.#writer.write(this.#write);
      for (const watcher of this.#watchers) this.#take(watcher, this.#eventBytes);
      this.#take(this.#writer, emptyReplyBytes + statBytes);
      nowMs = performance.now();
      latency.record(nowMs - fromMs);
    }
    return rounds;
  }

  #take(socket: BlockingSocket, byteCount: number): void {
    for (let length = 0; length < byteCount;) {
      const count = socket.read(this.#input, 0, byteCount - length);
      if (count === 0) fail("the server closed a connection");
      length += count;
    }
  }
}

const handshake = connectRequest({ timeoutMs: 40_000 });
const goodbye = requestFrame(1, op.closeSession);

function measureConnects(plan: CrowdPlan): Promise<Values> {
  return measured(plan, async (untilMs) => {
    const counts = await Promise.all(Array.from({ length: plan.clients }, () => comeAndGo(plan.port, untilMs)));
    return { operations: counts.reduce((sum, count) => sum + count, 0) };
  });
}

/** Opens a session and closes it, again and again until the time is over. @returns how many there were. */
function comeAndGo(port: number, untilMs: number): Promise<number> {
  return new Promise((resolve) => {
    let count = 0;
    const next = (): void => {
      if (performance.now() >= untilMs) {
        resolve(count);
        return;
      }
      let bytes = 0;
      const callback = (read: number): boolean => {
        bytes += read;
        if (bytes === handshakeBytes) socket.write(goodbye);
        return true;
      };
      const socket = connect({ port, host: "127.0.0.1", noDelay: true, onread: { buffer: chunk, callback } });
      socket.on("error", (error) => fail(error.message));
      socket.on("close", () => {
        if (bytes !== handshakeBytes + emptyReplyBytes) fail(`a connection was closed after ${bytes} bytes`);
        count++;
        next();
      });
      socket.write(handshake);
    };
    next();
  });
}

/** Runs until the time is over. @returns what it gives, as a rate and as CPU time for each operation. */
async function measured(
  { measureMs = 0, serverPids }: CrowdPlan,
  run: (untilMs: number) => Promise<Values & { readonly operations: number }>,
): Promise<Values> {
  const meter = new CpuMeter(serverPids);
  const { operations, ...others } = await run(performance.now() + measureMs);
  const { seconds, serverCpuSeconds, loadCpuShare } = meter.read();
  return {
    opsPerSecond: operations / seconds,
    cpuMicrosPerOp: (serverCpuSeconds * 1e6) / Math.max(1, operations),
    ...others,
    loadCpuShare,
  };
}

function fail(reason: string): never {
  process.stderr.write(`crowd: ${reason}\n`);
  process.exit(1);
}

const plan = JSON.parse(process.argv[2] ?? "{}") as CrowdPlan;
const result = await main(plan);
process.stdout.write(`${JSON.stringify(result)}\n`);
if (plan.kind === "hold" || plan.kind === "watches") process.stdin.resume().on("end", () => process.exit(0));
else process.exit(0);
