/**
 * One TCP connection of the test's own client: frames out, frames in, and the end of the connection as a value. It knows
 * framing, the handshake and the reply header; what a reply holds is transcript.ts's business.
 *
 * Frames that come in are kept until they are asked for, so nothing is missed and nothing has to be awaited in time.
 */

import { connect, type Socket } from "node:net";
import { buffer, bool, frame, int, long, record } from "./bytes.ts";
import { op, type Request } from "./requests.ts";

export interface ConnectOptions {
  readonly timeoutMs?: number;
  readonly sessionId?: bigint;
  readonly password?: Uint8Array | null;
  readonly lastZxidSeen?: bigint;
  /** null leaves the byte out, as clients of 3.3 do. */
  readonly readOnly?: boolean | null;
  readonly protocolVersion?: number;
}

export interface Session {
  readonly id: bigint;
  readonly password: Buffer;
  readonly timeoutMs: number;
}

/** How long a frame may take before the test fails, unless the test says otherwise. */
const usualPatienceMs = 20_000;

export class WireConnection {
  readonly #socket: Socket;
  #input: Buffer = Buffer.alloc(0);
  readonly #frames: Buffer[] = [];
  #isClosed = false;
  #wake: (() => void) | null = null;
  #lastXid = 0;

  readonly #patienceMs: number;

  private constructor(socket: Socket, patienceMs: number) {
    this.#socket = socket;
    this.#patienceMs = patienceMs;
    socket.setNoDelay(true);
    socket.on("data", (part) => this.#take(typeof part === "string" ? Buffer.from(part) : part));
    socket.on("error", () => this.#close());
    socket.on("close", () => this.#close());
    socket.on("end", () => this.#close());
  }

  static async open(port: number, patienceMs: number = usualPatienceMs): Promise<WireConnection> {
    const socket = connect(port, "127.0.0.1");
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new WireConnection(socket, patienceMs);
  }

  /** Sends bytes as they are. */
  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends a request and returns its xid, the next one unless given. */
  submit(request: Request, xid: number = this.nextXid(request.op)): number {
    this.send(frame(record(int(xid), int(request.op), request.body)));
    return xid;
  }

  /** The xid a client would use: the special ones, else one more than the last. */
  nextXid(code: number): number {
    if (code === op.ping) return -2;
    if (code === op.auth) return -4;
    if (code === op.setWatches || code === op.setWatches2) return -8;
    this.#lastXid++;
    return this.#lastXid;
  }

  /**
   * The next frame's body, or null once the connection has ended.
   * @throws Error when nothing comes in time.
   */
  async nextFrame(): Promise<Buffer | null> {
    const deadline = Date.now() + this.#patienceMs;
    while (this.#frames.length === 0 && !this.#isClosed) {
      if (Date.now() >= deadline) throw new Error(`no frame within ${this.#patienceMs} ms`);
      await this.#news(deadline);
    }
    return this.#frames.shift() ?? null;
  }

  /** Sends a ConnectRequest, and more behind it; the raw response, or null when the server closed instead. */
  async handshake(options: ConnectOptions = {}, behind: Uint8Array = Buffer.alloc(0)): Promise<Buffer | null> {
    this.send(Buffer.concat([frame(connectRequest(options)), behind]));
    return this.nextFrame();
  }

  /** Cuts the connection without a word, as a dead client does. */
  cut(): void {
    this.#socket.destroy();
  }

  /** Ends the sending side only. */
  halfClose(): void {
    this.#socket.end();
  }

  async #news(deadline: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadline - Date.now());
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }

  #take(part: Buffer): void {
    this.#input = this.#input.length === 0 ? part : Buffer.concat([this.#input, part]);
    let at = 0;
    while (this.#input.length - at >= 4) {
      const end = at + 4 + this.#input.readInt32BE(at);
      if (end > this.#input.length) break;
      this.#frames.push(this.#input.subarray(at + 4, end));
      at = end;
    }
    this.#input = this.#input.subarray(at);
    this.#wake?.();
  }

  #close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }
}

export function connectRequest(options: ConnectOptions): Buffer {
  const password = options.password === undefined ? Buffer.alloc(16) : options.password;
  const readOnly = options.readOnly === undefined ? false : options.readOnly;
  return record(
    int(options.protocolVersion ?? 0),
    long(options.lastZxidSeen ?? 0n),
    int(options.timeoutMs ?? 30_000),
    long(options.sessionId ?? 0n),
    buffer(password),
    readOnly === null ? Buffer.alloc(0) : bool(readOnly),
  );
}
