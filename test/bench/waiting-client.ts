/**
 * A client that asks and waits, and does nothing else: it blocks in the kernel, as a thread of a C client does. An event loop
 * would add its own turns to every answer, and half of what is measured would be the generator.
 */

import { readSync, writeSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { connectRequest } from "../support/wire-client.ts";
import { type LoadRun, replyErrorAt, replyHeadBytes } from "./load-run.ts";

/** What node keeps behind a socket. */
interface BlockingHandle {
  readonly fd: number;
  readStop(): number;
  setBlocking(isBlocking: boolean): number;
}

const lengthBytes = 4;

export class WaitingClient {
  readonly #run: LoadRun;
  readonly #fd: number;
  readonly #input = Buffer.allocUnsafeSlow(256 * 1024);
  readonly #output: readonly Buffer[];
  #xid = 0;

  private constructor(run: LoadRun, fd: number) {
    this.#run = run;
    this.#fd = fd;
    this.#output = run.templates.map(({ frame }) => Buffer.from(frame));
  }

  /** With a session. */
  static async open(run: LoadRun): Promise<WaitingClient> {
    const socket = connect({ port: run.plan.ports[0]!, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    socket.write(connectRequest({ timeoutMs: 40_000 }));
    await once(socket, "data");
    const handle = (socket as Socket & { readonly _handle: BlockingHandle })._handle;
    handle.readStop();
    handle.setBlocking(true);
    return new WaitingClient(run, handle.fd);
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
    writeSync(this.#fd, output);
    const input = this.#input;
    let length = 0;
    while (length < replyHeadBytes || length < lengthBytes + input.readInt32BE(0)) {
      const count = readSync(this.#fd, input, length, input.length - length, null);
      if (count === 0) run.fail("the server closed a connection");
      length += count;
    }
    run.judge(template, length - lengthBytes, input.readInt32BE(replyErrorAt));
  }
}
