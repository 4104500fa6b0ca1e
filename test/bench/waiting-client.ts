/** A client that asks and waits, and does nothing else. */

import { connect } from "node:net";
import { once } from "node:events";
import { connectRequest } from "../support/wire-frames.ts";
import { BlockingSocket } from "./blocking-socket.ts";
import { type LoadRun, replyErrorAt, replyHeadBytes } from "./load-run.ts";

const lengthBytes = 4;

export class WaitingClient {
  readonly #run: LoadRun;
  readonly #socket: BlockingSocket;
  readonly #input = Buffer.allocUnsafeSlow(256 * 1024);
  readonly #output: readonly Buffer[];
  #xid = 0;

  private constructor(run: LoadRun, socket: BlockingSocket) {
    this.#run = run;
    this.#socket = socket;
    this.#output = run.templates.map(({ frame }) => Buffer.from(frame));
  }

  /** With a session. */
  static async open(run: LoadRun): Promise<WaitingClient> {
    const socket = connect({ port: run.plan.ports[0]!, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    socket.write(connectRequest({ timeoutMs: 40_000 }));
    await once(socket, "data");
    return new WaitingClient(run, new BlockingSocket(socket));
  }

  /** Asks and waits, again and again, until that time, or that many times. */
  work(untilMs: number, count: number = Number.POSITIVE_INFINITY): void {
    const run = this.#run;
    let nowMs = performance.now();
    for (let asked = 0; asked < count && nowMs < untilMs; asked++) {
      const fromMs = nowMs;
      run.sent++;
      this.#ask();
      nowMs = performance.now();
      if (run.isMeasuring) run.latency.record(nowMs - fromMs);
      if (run.isMeasuring) run.operations++;
    }
  }

  #ask(): void {
    const run = this.#run;
    const kind = run.nextKind();
    const template = run.templates[kind]!;
    const output = this.#output[kind]!;
    template.address(output, 0, ++this.#xid, run.nextZnode(template));
    this.#socket.write(output);
    const input = this.#input;
    let length = 0;
    while (length < replyHeadBytes || length < lengthBytes + input.readInt32BE(0)) {
      const count = this.#socket.read(input, length);
      if (count === 0) run.fail("the server closed a connection");
      length += count;
    }
    run.judge(template, length - lengthBytes, input.readInt32BE(replyErrorAt));
  }
}
