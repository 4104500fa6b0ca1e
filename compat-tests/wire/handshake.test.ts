/** The beginning and the end of connections: handshakes, sessions found again, frames that are none, words, limits. */

import { expect, test } from "vitest";
import { frame, hex, int, long, record } from "./bytes.ts";
import { connectRequest } from "./connection.ts";
import { pairOfServers } from "./pair.ts";
import {
  check,
  closeSession,
  create,
  exists,
  flag,
  getData,
  getEphemerals,
  op,
  ping,
  request,
  setWatches,
  whoAmI,
} from "./requests.ts";
import { fourLetterWord } from "../reference/server.ts";

const pair = pairOfServers();

test("the timeout asked for is clamped to 2 and 20 ticks", async () => {
  await pair.check(async (scene) => {
    for (const timeoutMs of [0, -1, -2_147_483_648, 1, 3999, 4000, 4001, 30_000, 40_000, 40_001, 2_147_483_647]) {
      await scene.actor(`${timeoutMs}`, { timeoutMs });
    }
  });
});

test("the readOnly byte is answered only when it was sent", async () => {
  await pair.check(async (scene) => {
    for (const readOnly of [null, false, true]) {
      const a = await scene.actor(`readOnly ${readOnly}`, { readOnly });
      await a.ask(exists("/"));
      const known = { sessionId: a.session.id, password: a.session.password };
      const again = await scene.actor(`again ${readOnly}`, { ...known, readOnly });
      await again.ask(closeSession);
      await again.untilClosed();
      await scene.actor(`wrong ${readOnly}`, { sessionId: a.session.id, password: Buffer.alloc(16, 1), readOnly });
      await scene.actor(`unknown ${readOnly}`, { sessionId: 12345n, readOnly });
    }
  });
});

test("a new session's password and protocol version are not looked at", async () => {
  await pair.check(async (scene) => {
    for (const password of [null, Buffer.alloc(0), Buffer.alloc(5, 9), Buffer.alloc(16, 9), Buffer.alloc(40)]) {
      await scene.actor(`password of ${password?.length}`, { password });
    }
    for (const protocolVersion of [1, -1, 77]) await scene.actor(`version ${protocolVersion}`, { protocolVersion });
  });
});

test("a session is found again with its id and password only", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a", { timeoutMs: 30_000 });
    await a.ask(create("/e", { flags: flag.ephemeral }));
    a.connection.cut();
    a.isClosed = true;
    const { id, password } = a.session;
    for (const wrong of [null, Buffer.alloc(0), Buffer.alloc(16), password.subarray(0, 15), Buffer.alloc(17)]) {
      const other = await scene.actor(`password ${wrong?.length}`, { sessionId: id, password: wrong });
      await other.untilClosed();
    }
    const again = await scene.actor("again", { sessionId: id, password, timeoutMs: 5000 });
    await again.ask(getEphemerals("/"));
    await again.ask(closeSession);
    await again.untilClosed();
    const late = await scene.actor("late", { sessionId: id, password });
    await late.untilClosed();
  });
});

test("a session found again takes the connection from its former one", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/e", { flags: flag.ephemeral }));
    const again = await scene.actor("again", { sessionId: a.session.id, password: a.session.password });
    await a.untilClosed();
    await again.ask(exists("/e"));
  });
});

test("a client that saw a later zxid is sent away", async () => {
  await pair.check(async (scene) => {
    for (const lastZxidSeen of [-1n, 0n, 1n, 1n << 40n, (1n << 63n) - 1n]) {
      const a = await scene.stranger(`seen ${lastZxidSeen}`);
      await a.connect({ lastZxidSeen });
    }
  });
});

test("what is not a handshake ends the connection", async () => {
  await pair.check(async (scene) => {
    const whole = connectRequest({});
    const inputs: readonly [string, Buffer][] = [
      ["length 0", int(0)],
      ["length -1", int(-1)],
      ["length 0x7fffffff", int(0x7fffffff)],
      ["length 1048576", int(1_048_576)],
      ["a body of 3 bytes", frame(Buffer.alloc(3))],
      ["a body that ends in the password", frame(whole.subarray(0, 40))],
      ["a password of length -2", frame(record(whole.subarray(0, 24), int(-2), Buffer.alloc(17)))],
      ["an unknown word", Buffer.from("help")],
    ];
    for (const [title, bytes] of inputs) {
      const a = await scene.stranger(title);
      a.sendRaw(bytes, title);
      await a.untilClosed();
    }
  });
});

test("bytes behind a handshake are ignored, and frames behind it wait for their session", async () => {
  await pair.check(async (scene) => {
    const a = await scene.stranger("trailing");
    a.connection.send(frame(record(connectRequest({}), Buffer.from("more bytes"))));
    a.lines.push(`${(await a.connection.nextFrame())?.length} bytes`);
    await a.ask(exists("/"));
    const b = await scene.stranger("pipelined");
    const requests = [create("/piped"), getData("/piped")].map((one, index) =>
      frame(record(int(index + 1), int(one.op), one.body)),
    );
    b.sendRaw(Buffer.concat([frame(connectRequest({})), ...requests]), "handshake and two requests");
    for (let index = 0; index < 3; index++) b.lines.push(`${(await b.connection.nextFrame())?.length} bytes`);
    await b.ask(ping);
  });
});

test("frames may be cut anywhere", async () => {
  await pair.check(async (scene) => {
    const a = await scene.stranger("a");
    const bytes = Buffer.concat([
      frame(connectRequest({})),
      frame(record(int(1), int(op.create), create("/cut").body)),
      frame(record(int(2), int(op.getData), getData("/cut").body)),
    ]);
    for (const byte of bytes) {
      a.connection.send(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (let index = 0; index < 3; index++) a.lines.push(`${(await a.connection.nextFrame())?.length} bytes`);
    await a.ask(exists("/cut"));
  });
});

test("a malformed frame ends a connection that has a session, and the session lives on", async () => {
  await pair.check(async (scene) => {
    const inputs: readonly [string, Buffer][] = [
      ["length 0", int(0)],
      ["length -1", int(-1)],
      ["length 1048576", int(1_048_576)],
      ["a header of 7 bytes", frame(Buffer.alloc(7))],
      ["a four-letter word", Buffer.from("ruok")],
      ["http", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ];
    for (const [title, bytes] of inputs) {
      const a = await scene.actor(title);
      await a.ask(create(`/${title}`, { flags: flag.ephemeral }));
      a.sendRaw(bytes, title);
      await a.untilClosed();
      const again = await scene.actor("again", { sessionId: a.session.id, password: a.session.password });
      await again.ask(getEphemerals("/"));
    }
  });
});

test("the longest frame is 1048575 bytes", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    const overhead = 8 + create("/big", { data: "" }).body.length;
    await a.ask(create("/big", { data: Buffer.alloc(1_048_575 - overhead, 1) }));
    await a.ask(exists("/big"));
    await a.ask(create("/bigger", { data: Buffer.alloc(1_048_573 - overhead, 1) }));
    await a.ask(exists("/bigger"));
  });
});

test.each([0, -1, 10, 13, 23, 99, 108, 999, -2, 2_147_483_647])(
  "opcode %i is answered and ends the connection",
  async (code) => {
    await pair.check(async (scene) => {
      const a = await scene.actor("a");
      await a.ask(request(code, check("/", -1).body, `opcode ${code}`));
      await a.untilClosed();
      const again = await scene.actor("again", { sessionId: a.session.id, password: a.session.password });
      await again.ask(ping);
    });
  },
);

test("closeSession is answered, then the connection ends", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(request(op.closeSession, Buffer.from("body"), "closeSession with a body"));
    await a.untilClosed();
    const b = await scene.actor("b");
    await b.pipeline([create("/x"), create("/e", { flags: flag.ephemeral }), closeSession]);
    await b.untilClosed();
    const c = await scene.actor("c");
    await c.ask(exists("/x"));
    await c.ask(exists("/e"));
  });
});

test("a half-closed connection ends, and what it sent is done", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    const b = await scene.actor("b");
    await b.ask(exists("/half", true));
    a.sendRaw(frame(record(int(1), int(op.create), create("/half").body)), "create, then the end");
    a.connection.halfClose();
    for (;;) if ((await a.connection.nextFrame()) === null) break;
    a.isClosed = true;
    await b.untilEvent();
    await b.ask(getData("/half"));
  });
});

test("reconfig is disabled, and a read-write server takes setWatches from a stranger to nothing", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    const body = record(int(-1), int(-1), int(-1), long(-1));
    await a.ask(request(op.reconfig, body, "reconfig"));
    await a.ask(request(op.reconfig, Buffer.alloc(1), "reconfig of 1 byte"));
    await a.ask(setWatches(0n, { data: ["/"] }));
    await a.ask(whoAmI);
  });
});

test("the telnet interrupt and words in pieces", async () => {
  await pair.check(async (scene) => {
    const a = await scene.stranger("telnet");
    a.sendRaw(hex("fff4fffd"), "fff4fffd");
    await a.untilClosed();
    const b = await scene.stranger("empty");
    b.connection.halfClose();
    await b.untilClosed();
  });
});

test("ruok, isro and srvr answer", async () => {
  for (const server of [pair.reference, pair.subject]) {
    expect(await fourLetterWord(server.port, "ruok")).toBe("imok");
    expect(await fourLetterWord(server.port, "isro")).toBe("rw");
    const srvr = await fourLetterWord(server.port, "srvr");
    expect(srvr).toMatch(/^Zookeeper version: 3\.9\.5-[0-9a-f]+, built on .*\nLatency min\/avg\/max: /);
    expect(srvr).toMatch(/\nConnections: \d+\nOutstanding: 0\nZxid: 0x[0-9a-f]+\nMode: standalone\nNode count: \d+\n$/);
  }
});
