/**
 * A client that does no wrong, beside one that does: what it writes it reads again, its versions count on by one, nobody else
 * touches its znode, and it hears nothing that it did not ask for.
 */

import { Bytes } from "../support/bytes.ts";
import { Cursor, op, requestFrame } from "../support/wire-frames.ts";
import type { FakeSocket } from "./server-bench.ts";
import { demand } from "./target.ts";

/** Dice do not throw it. */
const path = "/honest-6f1d0c59";
const acl = [{ perms: 31, scheme: "world", id: "anyone" }];

/** A handshake, with its length; id 0 asks for a new session. */
export function handshake(sessionId = 0n, password: Uint8Array = Buffer.alloc(16)): Buffer {
  const frame = new Bytes().int(0).long(0n).int(30_000).long(sessionId).buffer(password).bool(false).build();
  return new Bytes().buffer(frame).build();
}

/** A reply, header first. */
interface Reply {
  readonly xid: number;
  readonly err: number;
  readonly body: Cursor;
}

export class HonestClient {
  readonly #socket: FakeSocket;
  readonly #turns: () => Promise<void>;
  #xid = 0;
  #version = 0;

  constructor(socket: FakeSocket, turns: () => Promise<void>) {
    this.#socket = socket;
    this.#turns = turns;
  }

  /** Opens a session and makes its znode. */
  async begin(): Promise<void> {
    this.#socket.give(handshake());
    await this.#turns();
    demand(this.#socket.take().length === 41, "the honest client has no session");
    await this.#ask(op.create, new Bytes().string(path).buffer(Buffer.from("0")).acl(acl).int(0).build());
  }

  /** A write and a read that must come out as if it were alone. */
  async work(): Promise<void> {
    const text = String(++this.#version);
    const { body: stat } = await this.#ask(
      op.setData,
      new Bytes()
        .string(path)
        .buffer(Buffer.from(text))
        .int(this.#version - 1)
        .build(),
    );
    demand(stat.stat().version === this.#version, "another version");
    const { body } = await this.#ask(op.getData, new Bytes().string(path).bool(false).build());
    demand(body.buffer()?.toString() === text, "other data");
    demand(body.stat().version === this.#version, "another version of the data");
  }

  async #ask(type: number, body: Buffer): Promise<Reply> {
    const xid = ++this.#xid;
    this.#socket.give(requestFrame(xid, type, body));
    await this.#turns();
    demand(!this.#socket.isClosed, "the honest client was cut off");
    const bytes = this.#socket.take();
    demand(
      bytes.length >= 4 && bytes.readInt32BE(0) === bytes.length - 4,
      "the honest client has no reply, or more than one",
    );
    const cursor = new Cursor(bytes.subarray(4));
    const reply = { xid: cursor.int(), zxid: cursor.long(), err: cursor.int(), body: cursor };
    demand(reply.xid === xid && reply.err === 0, `the honest client is told ${reply.xid} ${reply.err}, asked ${xid}`);
    return reply;
  }
}
