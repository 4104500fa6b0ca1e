/**
 * From a socket's chunks to frames and words, wherever the chunks are cut, and what ends a connection. The server behind
 * it is a list of what it was told.
 */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CarriedBytesPool } from "#base/carried-bytes.ts";
import { ServerMetrics } from "#base/metrics.ts";
import { SeededRandom } from "#base/prng.ts";
import type { Socket } from "#host/wire.ts";
import { JuteWriter } from "#jute/writer.ts";
import { ClientConnection } from "#net/client-connection.ts";
import type { ClientPortServices } from "#net/client-port.ts";
import { UnsentBytes } from "#net/unsent-bytes.ts";
import { ExpiryQueue } from "#session/expiry-queue.ts";

const frameBytesMax = 1000;
const sessionlessTimeoutMs = 10_000;

class FakeSocket implements Socket {
  readonly remoteAddress = "10.0.0.1";
  readonly remotePort = 4000;
  bufferedBytes = 0;
  isPaused = false;
  /** Whether the kernel takes what is written at once. */
  isTaking = true;
  written = "";
  /** How the connection was ended, in order. */
  readonly endings: string[] = [];

  write(bytes: Uint8Array): boolean {
    this.written += Buffer.from(bytes).toString("latin1");
    if (!this.isTaking) this.bufferedBytes += bytes.length;
    return this.isTaking;
  }

  end(): void {
    this.endings.push("end");
  }

  destroy(): void {
    this.endings.push("destroy");
  }

  reset(): void {
    this.endings.push("reset");
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }
}

/** A connection, its socket, and everything that the server behind it was told. */
class Bench {
  readonly socket: FakeSocket = new FakeSocket();
  readonly told: string[] = [];
  readonly idle: ExpiryQueue<ClientConnection> = new ExpiryQueue(sessionlessTimeoutMs, 0);
  readonly connection: ClientConnection;
  nowMs = 0;
  /** Whether handshakes are answered within the call, as a renewal's are. */
  isAnsweringAtOnce = false;
  isHandshakeGood = true;
  /** Whether requests have made so much work that others come first. */
  isShareSpent = false;
  /** What is to happen when others have had their turn. */
  readonly atTurnEnd: (() => void)[] = [];
  /** Called for each request; false closes. */
  onRequest: (text: string) => boolean = () => true;

  constructor(carriedPool = new CarriedBytesPool(), unsent = new UnsentBytes()) {
    this.connection = new ClientConnection({
      number: 1,
      socket: this.socket,
      services: this.#services(),
      idle: this.idle,
      carriedPool,
      unsent,
      onClosed: () => this.told.push("closed"),
    });
    this.idle.touch(this.connection, sessionlessTimeoutMs, 0);
  }

  #services(): ClientPortServices {
    return {
      clock: { monotonicMs: () => this.nowMs, wallMs: () => this.nowMs },
      metrics: new ServerMetrics(new SeededRandom(1)),
      frameBytesMax,
      sessionlessTimeoutMs,
      connect: (client, bytes, start, end) => {
        this.told.push(`connect ${bytes.toString("latin1", start, end)}`);
        if (this.isAnsweringAtOnce) client.isAttached = true;
        return this.isHandshakeGood;
      },
      lookAhead: () => {},
      receive: (_client, bytes, start, end) => {
        const text = bytes.toString("latin1", start, end);
        this.told.push(text);
        return this.onRequest(text);
      },
      allSent: () => {},
      heldBackNoMore: () => this.told.push("resumed"),
      beginShare: () => (this.isShareSpent = false),
      isShareSpent: () => this.isShareSpent,
      turnEnded: () => {},
      atTurnEnd: (action) => this.atTurnEnd.push(action),
      lengthError: (_client, length) => this.told.push(`length ${length}`),
      unsentError: (_client, unsentBytes) => this.told.push(`unsent ${unsentBytes}`),
      forget: () => {},
      takeWord: (_connection, bytes) => {
        const word = bytes.toString("latin1", 0, 4);
        if (word !== "ruok") return false;
        this.told.push(`word ${bytes.toString("latin1")}`);
        return true;
      },
    };
  }

  /** A chunk, whose bytes are gone after the call. */
  give(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes);
    this.connection.data(chunk);
    chunk.fill(0xdb);
  }

  /** The answer to the handshake that was submitted. */
  sessionOpens(): void {
    this.connection.client.isAttached = true;
    this.connection.client.timeoutMs = 4_000;
    this.connection.sessionAnswered(this.nowMs);
  }

  /** Leaves only what happens from here on in `told`. */
  attached(): this {
    this.give(frame("hello"));
    this.sessionOpens();
    this.told.length = 0;
    return this;
  }
}

function frame(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(text.length);
  return Buffer.concat([length, Buffer.from(text, "latin1")]);
}

function lengthOnly(value: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(value);
  return length;
}

/** Cuts bytes at the given offsets. */
function cut(bytes: Buffer, offsets: readonly number[]): Buffer[] {
  const at = [
    0,
    ...offsets.filter((offset) => offset > 0 && offset < bytes.length).sort((a, b) => a - b),
    bytes.length,
  ];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

function outputOf(text: string): JuteWriter {
  const out = new JuteWriter(text.length);
  out.writeRaw(Buffer.from(text), 0, text.length);
  return out;
}

describe("frames", () => {
  const texts = ["first", "second, and longer", "x", "y".repeat(300)];
  const stream = Buffer.concat(texts.map(frame));

  test("are the same wherever the stream is cut in two", () => {
    for (let at = 0; at <= stream.length; at++) {
      const bench = new Bench().attached();
      for (const chunk of cut(stream, [at])) bench.give(chunk);
      expect(bench.told, `cut at ${at}`).toEqual(texts);
    }
  });

  test("are the same byte by byte", () => {
    const bench = new Bench().attached();
    for (const byte of stream) bench.give(Buffer.from([byte]));
    expect(bench.told).toEqual(texts);
  });

  test("are the same however many there are and wherever they are cut", () => {
    const text = fc.string({ minLength: 0, maxLength: 50, unit: "binary-ascii" });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 20 }), fc.array(fc.nat(600), { maxLength: 10 }), (all, cuts) => {
        const bench = new Bench().attached();
        for (const chunk of cut(Buffer.concat(all.map(frame)), cuts)) bench.give(chunk);
        expect(bench.told).toEqual(all);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test("of connections that share room to carry them do not mix, and one that ends leaves its room behind", () => {
    const pool = new CarriedBytesPool();
    const benches = Array.from({ length: 4 }, () => new Bench(pool).attached());
    const chunks = cut(stream, [2, 5, 20, 60, 61, 200]);
    const [gone, ...others] = benches;
    for (const [index, chunk] of chunks.entries()) {
      if (index === 4) gone!.connection.ended();
      for (const bench of benches) bench.give(chunk);
    }
    for (const bench of others) expect(bench.told).toEqual(texts);
    expect(gone!.told).toEqual(["first", "second, and longer", "x", "closed"]);
  });

  test("behind one that is refused are not taken, in the same chunk or in later ones", () => {
    const bench = new Bench().attached();
    bench.onRequest = (text) => text !== "bad";
    bench.give(Buffer.concat([frame("good"), frame("bad"), frame("late")]));
    bench.give(frame("later"));
    expect(bench.told).toEqual(["good", "bad", "closed"]);
    expect(bench.socket.endings).toEqual(["destroy"]);
  });

  test("behind one that ends the connection are not taken", () => {
    const bench = new Bench().attached();
    bench.onRequest = (text) => {
      if (text === "bye") bench.connection.closeAfterSending();
      return true;
    };
    bench.give(Buffer.concat([frame("bye"), frame("late")]));
    bench.give(frame("later"));
    expect(bench.told).toEqual(["bye", "closed"]);
    expect(bench.socket.endings).toEqual(["end"]);
  });
});

describe("a length", () => {
  test.each([-1, -0x80000000, frameBytesMax + 1, 0x72756f6b])(
    "of %i closes the connection before its bytes come",
    (length) => {
      const bench = new Bench().attached();
      bench.give(Buffer.concat([frame("good"), lengthOnly(length), Buffer.from("what follows")]));
      expect(bench.told).toEqual(["good", `length ${length}`, "closed"]);
      expect(bench.socket.endings).toEqual(["end"]);
    },
  );

  test("that is the largest allowed is taken", () => {
    const bench = new Bench().attached();
    const text = "z".repeat(frameBytesMax);
    for (const chunk of cut(frame(text), [3, 500])) bench.give(chunk);
    expect(bench.told).toEqual([text]);
  });

  test("is judged in the first frame too", () => {
    const bench = new Bench();
    bench.give(lengthOnly(frameBytesMax + 1));
    expect(bench.told).toEqual([`length ${frameBytesMax + 1}`, "closed"]);
  });
});

describe("the handshake", () => {
  test("takes no more of a client that is full, and goes on with what came meanwhile when there is room", () => {
    const bench = new Bench().attached();
    bench.onRequest = (text) => {
      if (text === "b") bench.connection.full();
      return true;
    };
    bench.give(Buffer.concat([frame("a"), frame("b"), frame("c")]));
    expect([bench.told, bench.socket.isPaused, bench.connection.interestOps]).toEqual([["a", "b"], true, 0]);
    bench.give(frame("d"));
    bench.connection.hasRoom();
    expect([bench.told, bench.socket.isPaused]).toEqual([["a", "b"], true]);
    for (const action of bench.atTurnEnd.splice(0)) action();
    expect([bench.told, bench.socket.isPaused]).toEqual([["a", "b", "resumed", "c", "d"], false]);
  });

  test("holds back what came behind it until the session is open", () => {
    const whole = Buffer.concat([frame("hello"), frame("one"), frame("two")]);
    for (let at = 0; at <= whole.length; at++) {
      const bench = new Bench();
      for (const chunk of cut(whole, [at])) bench.give(chunk);
      expect(bench.told).toEqual(["connect hello"]);
      expect(bench.socket.isPaused).toBe(true);
      bench.sessionOpens();
      expect(bench.told).toEqual(["connect hello", "one", "two"]);
      expect(bench.socket.isPaused).toBe(false);
    }
  });

  test("that is answered at once lets the next frame in", () => {
    const bench = new Bench();
    bench.isAnsweringAtOnce = true;
    bench.give(Buffer.concat([frame("hello"), frame("one")]));
    expect(bench.told).toEqual(["connect hello", "one"]);
    expect(bench.socket.isPaused).toBe(false);
  });

  test("that is refused closes without a word", () => {
    const bench = new Bench();
    bench.isHandshakeGood = false;
    bench.give(Buffer.concat([frame("hello"), frame("one")]));
    expect(bench.told).toEqual(["connect hello", "closed"]);
    expect([bench.socket.written, bench.socket.endings]).toEqual(["", ["destroy"]]);
  });

  test("of a client that goes before the answer is forgotten, and the answer does no harm", () => {
    const bench = new Bench();
    bench.give(Buffer.concat([frame("hello"), frame("one")]));
    bench.connection.ended();
    bench.sessionOpens();
    expect(bench.told).toEqual(["connect hello", "closed"]);
  });
});

describe("a four-letter word", () => {
  test("is taken as soon as its four bytes are there", () => {
    for (const at of [0, 1, 2, 3]) {
      const bench = new Bench();
      for (const chunk of cut(Buffer.from("ruok"), [at])) bench.give(chunk);
      expect(bench.told).toEqual(["word ruok"]);
    }
  });

  test("comes with what is behind it, and whatever follows is dropped", () => {
    const bench = new Bench();
    bench.give(Buffer.from("ruok and more"));
    bench.give(Buffer.from("ruok"));
    expect(bench.told).toEqual(["word ruok and more"]);
  });

  test("is a length once the handshake is made", () => {
    const bench = new Bench().attached();
    bench.give(Buffer.from("ruok"));
    expect(bench.told).toEqual(["length 1920298859", "closed"]);
  });

  test("is answered piece by piece, as fast as the client takes it, and closed behind the last one", () => {
    const bench = new Bench();
    bench.give(Buffer.from("ruok"));
    bench.socket.isTaking = false;
    bench.connection.answer(["one ", "two ", "three"]);
    expect(bench.socket.written).toBe("one ");
    bench.connection.drained();
    expect(bench.socket.written).toBe("one two ");
    bench.socket.isTaking = true;
    bench.connection.drained();
    expect([bench.socket.written, bench.socket.endings]).toEqual(["one two three", ["end"]]);
    bench.connection.closed();
    expect(bench.told).toEqual(["word ruok", "closed"]);
  });

  test("whose client goes in the middle of the answer is not answered any more", () => {
    const bench = new Bench();
    bench.give(Buffer.from("ruok"));
    bench.socket.isTaking = false;
    bench.connection.answer(["one ", "two"]);
    bench.connection.closed();
    bench.connection.drained();
    expect(bench.socket.written).toBe("one ");
  });
});

describe("a client that does not read", () => {
  const much = "m".repeat(5 << 20);

  function stuck(): Bench {
    const bench = new Bench().attached();
    bench.socket.isTaking = false;
    expect(bench.connection.send(outputOf(much))).toBe(false);
    return bench;
  }

  test("is not read itself, and what it had sent waits", () => {
    const bench = stuck();
    expect([bench.socket.isPaused, bench.connection.isHeldBack]).toEqual([true, true]);
    bench.give(Buffer.concat([frame("one"), frame("two")]));
    expect(bench.told).toEqual([]);
  });

  test("goes on where it was once everything has left: first what waits inside, then its frames", () => {
    const bench = stuck();
    bench.give(frame("one"));
    bench.give(frame("two").subarray(0, 5));
    bench.socket.bufferedBytes = 0;
    bench.socket.isTaking = true;
    bench.connection.drained();
    bench.give(frame("two").subarray(5));
    expect(bench.told).toEqual(["resumed", "one", "two"]);
    expect([bench.socket.isPaused, bench.connection.isHeldBack]).toEqual([false, false]);
  });

  test("stops in the middle of a chunk when an answer is too much for it", () => {
    const bench = new Bench().attached();
    bench.onRequest = (text) => {
      if (text === "much") {
        bench.socket.isTaking = false;
        bench.connection.send(outputOf(much));
      }
      return true;
    };
    bench.give(Buffer.concat([frame("one"), frame("much"), frame("two")]));
    expect(bench.told).toEqual(["one", "much"]);
    bench.connection.drained();
    expect(bench.told).toEqual(["one", "much", "resumed", "two"]);
  });

  test("is closed if it is sent even more, once all together have much that they do not take", () => {
    const unsent = new UnsentBytes();
    const benches = Array.from({ length: 20 }, () => new Bench(undefined, unsent).attached());
    const [first, ...others] = benches;
    for (const { socket } of benches) socket.isTaking = false;
    const sixteen = "m".repeat(16 << 20);
    for (const { connection } of others) connection.send(outputOf(sixteen));
    expect(others.map(({ socket }) => socket.endings)).toEqual(others.map(() => []));
    // Who has little may have more, however much the others have.
    for (let i = 0; i < 10; i++) first!.connection.send(outputOf("little"));
    expect(first!.socket.endings).toEqual([]);
    for (const { connection } of others) connection.send(outputOf("m"));
    for (const { connection } of others) connection.send(outputOf("m"));
    const closed = others.filter(({ socket }) => socket.endings.includes("destroy"));
    // There is room for sixteen of them.
    expect(closed).toHaveLength(4);
    expect(closed[0]!.told).toEqual([`unsent ${sixteen.length + 2}`, "closed"]);
  });

  test("has all to itself what others do not need", () => {
    const bench = new Bench().attached();
    bench.socket.isTaking = false;
    for (let i = 0; i < 16; i++) bench.connection.send(outputOf("m".repeat(16 << 20)));
    expect(bench.socket.endings).toEqual([]);
    bench.connection.send(outputOf("m"));
    expect(bench.socket.endings).toEqual(["destroy"]);
  });

  test("stays unread if the server has paused it, whatever leaves", () => {
    const bench = stuck();
    bench.connection.pauseReading();
    bench.connection.drained();
    expect(bench.socket.isPaused).toBe(true);
    bench.connection.resumeReading();
    expect(bench.socket.isPaused).toBe(false);
  });

  test("is read on while little is unsent", () => {
    const bench = new Bench().attached();
    bench.socket.isTaking = false;
    expect(bench.connection.send(outputOf("little"))).toBe(false);
    bench.give(frame("one"));
    expect(bench.told).toEqual(["one"]);
    expect(bench.socket.isPaused).toBe(false);
  });
});

function busy(): Bench {
  const bench = new Bench().attached();
  bench.onRequest = (text) => {
    bench.isShareSpent = text.startsWith("work");
    return true;
  };
  return bench;
}

describe("a client whose requests make much work", () => {
  test("rests in the middle of a chunk, and goes on when others have had their turn", () => {
    const bench = busy();
    bench.give(Buffer.concat(["one", "work", "two", "work more", "three"].map(frame)));
    expect(bench.told).toEqual(["one", "work"]);
    expect([bench.socket.isPaused, bench.connection.isHeldBack]).toEqual([true, true]);
    bench.give(frame("four"));
    bench.atTurnEnd.shift()!();
    expect(bench.told).toEqual(["one", "work", "resumed", "two", "work more"]);
    bench.atTurnEnd.shift()!();
    expect(bench.told).toEqual(["one", "work", "resumed", "two", "work more", "resumed", "three", "four"]);
    expect([bench.socket.isPaused, bench.connection.isHeldBack, bench.atTurnEnd.length]).toEqual([false, false, 0]);
  });

  test("does not rest behind the last of them", () => {
    const bench = busy();
    bench.give(frame("work"));
    expect([bench.socket.isPaused, bench.atTurnEnd.length]).toEqual([false, 0]);
  });

  test("that is slow as well goes on when it has taken what it was sent", () => {
    const bench = busy();
    bench.socket.isTaking = false;
    bench.give(Buffer.concat(["work", "two"].map(frame)));
    bench.connection.send(outputOf("m".repeat(5 << 20)));
    bench.atTurnEnd.shift()!();
    expect(bench.told).toEqual(["work"]);
    bench.connection.drained();
    expect(bench.told).toEqual(["work", "resumed", "two"]);
  });

  test("may be gone by then", () => {
    const bench = busy();
    bench.give(Buffer.concat(["work", "two"].map(frame)));
    bench.connection.closeNow();
    bench.atTurnEnd.shift()!();
    expect(bench.told).toEqual(["work", "closed"]);
  });
});

describe("the end", () => {
  test("is told once, however often it comes", () => {
    const bench = new Bench().attached();
    bench.connection.closeAfterSending();
    bench.connection.closeAfterSending();
    bench.connection.closeNow();
    bench.connection.ended();
    bench.connection.closed();
    expect(bench.told).toEqual(["closed"]);
    expect(bench.connection.client.isClosed).toBe(true);
  });

  test("comes at once when the client sends no more", () => {
    const bench = new Bench().attached();
    bench.connection.ended();
    expect(bench.socket.endings).toEqual(["destroy"]);
  });

  test("leaves no timer behind", () => {
    for (const end of ["closeNow", "closeAfterSending", "closed"] as const) {
      const bench = new Bench().attached();
      bench.connection[end]();
      bench.give(frame("late"));
      bench.connection.drained();
      expect(bench.idle.size).toBe(0);
    }
  });
});

describe("idleness", () => {
  test("begins anew with every chunk, by the session's timeout once there is one", () => {
    const bench = new Bench();
    bench.nowMs = 9_000;
    bench.give(Buffer.from([0]));
    expect(bench.connection.expiryMs).toBe(20_000); // 9 + 10 s, at the next ten seconds
    const other = new Bench().attached();
    other.nowMs = 17_000;
    other.give(frame("one"));
    expect(other.connection.expiryMs).toBe(30_000); // 17 + 4 s
  });

  test("ends when bytes leave", () => {
    const bench = new Bench().attached();
    bench.nowMs = 25_000;
    bench.connection.drained();
    expect(bench.connection.expiryMs).toBe(30_000);
  });
});

test("the operator sees what the connection waits for", () => {
  const bench = new Bench().attached();
  expect(bench.connection.interestOps).toBe(1);
  bench.socket.bufferedBytes = 1;
  expect(bench.connection.interestOps).toBe(5);
  bench.connection.pauseReading();
  expect(bench.connection.interestOps).toBe(4);
  bench.connection.closeNow();
  expect(bench.connection.interestOps).toBe(0);
});
