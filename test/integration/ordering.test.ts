/**
 * What a client may rely on about order: its requests are answered in the order it sent them, its reads see its own
 * earlier writes, and no reply reveals a change before the watch event that announces it.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ServerProcess } from "../support/server-process.ts";
import { Bytes } from "../support/bytes.ts";
import { WireClient } from "../support/wire-client.ts";
import { body, err, eventType, flag, op, requestFrame } from "../support/wire-frames.ts";

let server: ServerProcess;
let client: WireClient;
let root: string;
let nextRoot = 1;

beforeAll(async () => {
  server = await ServerProcess.start();
});

beforeEach(async () => {
  root = `/order-${nextRoot++}`;
  client = await WireClient.connect(server.port);
  await client.create(root, "0");
  return () => client.closeSession();
});

afterAll(() => server.dispose());

/** xids of replies and paths of events after `from`, in order of arrival. */
function arrivalsSince(from: number): string[] {
  return client.arrivals
    .slice(from)
    .map((arrival) => (arrival.kind === "reply" ? `reply ${arrival.xid}` : `event ${arrival.type} ${arrival.path}`));
}

describe("a pipeline of requests", () => {
  test("is answered in the order it was sent, reads and writes mixed", async () => {
    const from = client.arrivals.length;
    const frames: Buffer[] = [];
    const xids: number[] = [];
    for (let xid = 1000; xid < 2000; xid++) {
      xids.push(xid);
      if (xid % 3 === 0) frames.push(requestFrame(xid, op.setData, body.setData(root, String(xid))));
      else if (xid % 7 === 0) frames.push(requestFrame(xid, op.getData, body.watched(`${root}/absent`)));
      else frames.push(requestFrame(xid, op.getData, body.watched(root)));
    }
    const last = client.awaitReply(1999);
    client.sendRaw(Buffer.concat(frames));
    await last;
    expect(arrivalsSince(from)).toEqual(xids.map((xid) => `reply ${xid}`));
  });

  test("keeps pings in their place", async () => {
    const from = client.arrivals.length;
    const replies = [client.setData(root, "1"), client.ping(), client.getData(root), client.ping()];
    await Promise.all(replies);
    const order = client.arrivals.slice(from).map((arrival) => arrival.kind === "reply" && arrival.xid);
    expect(order.map((xid) => xid === -2)).toEqual([false, true, false, true]);
  });

  test("lets each read see exactly the writes before it", async () => {
    const reads: Promise<{ data: Buffer | null; stat: { version: number } }>[] = [];
    for (let i = 1; i <= 300; i++) {
      void client.setData(root, String(i));
      reads.push(client.getData(root));
    }
    const seen = await Promise.all(reads);
    expect(seen.map(({ data }) => data?.toString())).toEqual(Array.from({ length: 300 }, (_, i) => String(i + 1)));
    expect(seen.map(({ stat }) => stat.version)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  });

  test("judges each write on the writes before it, refused ones included", async () => {
    const path = `${root}/n`;
    const outcomes = await Promise.all([
      client.request(op.create, body.create(path, "a")),
      client.request(op.create, body.create(path, "b")),
      client.request(op.create, body.create(`${path}/child`, "")),
      client.request(op.delete, body.versioned(path)),
      client.request(op.delete, body.versioned(`${path}/child`)),
      client.request(op.delete, body.versioned(path, 7)),
      client.request(op.delete, body.versioned(path, 0)),
      client.request(op.setData, body.setData(path, "c")),
    ]);
    expect(outcomes.map((reply) => reply.err)).toEqual([
      0,
      err.nodeExists,
      0,
      err.notEmpty,
      0,
      err.badVersion,
      0,
      err.noNode,
    ]);
    const zxids = outcomes.map((reply) => reply.zxid - outcomes[0].zxid);
    expect(zxids).toEqual([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n]);
  });

  test("numbers sequential znodes in the order they were asked for", async () => {
    const made = await Promise.all(Array.from({ length: 50 }, () => client.create(`${root}/s-`, "", flag.sequential)));
    expect(made).toEqual(Array.from({ length: 50 }, (_, i) => `${root}/s-${String(i).padStart(10, "0")}`));
  });

  test("is served in order to its end when the session is closed behind it", async () => {
    const other = await WireClient.connect(server.port);
    const writes = Array.from({ length: 100 }, (_, i) => other.create(`${root}/w-${i}`, ""));
    const closed = other.closeSession();
    await Promise.all(writes);
    await closed;
    expect(await client.getChildren(root)).toHaveLength(100);
  });
});

describe("two clients", () => {
  test("see each other's acknowledged writes", async () => {
    using other = await WireClient.connect(server.port);
    for (let i = 1; i <= 100; i++) {
      await client.setData(root, `value ${i}`);
      expect((await other.getData(root)).data?.toString()).toBe(`value ${i}`);
    }
  });

  test("writing at once leave one history of versions", async () => {
    const others = await Promise.all(Array.from({ length: 8 }, () => WireClient.connect(server.port)));
    const writes = others.flatMap((other) => Array.from({ length: 50 }, () => other.setData(root, "x")));
    const versions = (await Promise.all(writes)).map((stat) => stat.version);
    expect(versions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
    for (const other of others) other.drop();
  });

  test("competing by version give the write to exactly one", async () => {
    const others = await Promise.all(Array.from({ length: 10 }, () => WireClient.connect(server.port)));
    const replies = await Promise.all(others.map((other) => other.request(op.setData, body.setData(root, "mine", 0))));
    expect(replies.filter((reply) => reply.err === 0)).toHaveLength(1);
    expect(replies.filter((reply) => reply.err === err.badVersion)).toHaveLength(9);
    for (const other of others) other.drop();
  });
});

describe("a watch event", () => {
  test("comes before the reply to the write that caused it", async () => {
    await client.getData(root, true);
    const from = client.arrivals.length;
    await client.setData(root, "1");
    expect(arrivalsSince(from)).toEqual([`event ${eventType.dataChanged} ${root}`, expect.stringContaining("reply")]);
    expect(client.arrivals[from]?.zxid).toBe(client.arrivals[from + 1]?.zxid);
  });

  test("comes before any reply that reveals another client's change", async () => {
    using writer = await WireClient.connect(server.port);
    for (let i = 1; i <= 50; i++) {
      const { stat } = await client.getData(root, true);
      const from = client.arrivals.length;
      const write = writer.setData(root, String(i));
      const reads = Array.from({ length: 20 }, () => client.getData(root));
      const revealing = (await Promise.all(reads)).findIndex((read) => read.stat.version > stat.version);
      await write;
      await client.sync(root);
      const arrivals = client.arrivals.slice(from);
      const eventAt = arrivals.findIndex((arrival) => arrival.kind === "event");
      expect(eventAt).toBeGreaterThanOrEqual(0);
      if (revealing !== -1) expect(eventAt).toBeLessThanOrEqual(revealing);
    }
  });

  test("is sent once for a watch of one shot", async () => {
    await client.exists(`${root}/n`, true);
    await client.create(`${root}/n`, "");
    await client.setData(`${root}/n`, "1");
    await client.delete(`${root}/n`);
    expect(client.events.map(({ type, path }) => [type, path])).toEqual([[eventType.created, `${root}/n`]]);
  });

  test("announces each of a znode's changes to a persistent watch, in zxid order", async () => {
    await client.addWatch(root, 0);
    await client.create(`${root}/n`, "");
    await client.setData(root, "1");
    await client.delete(`${root}/n`);
    await client.delete(root);
    await client.create(root, "");
    const types = client.events.map(({ type }) => type);
    const { childrenChanged, dataChanged, deleted, created } = eventType;
    expect(types).toEqual([childrenChanged, dataChanged, childrenChanged, deleted, created]);
    const zxids = client.events.map(({ zxid }) => zxid);
    expect(zxids).toEqual(zxids.toSorted((a, b) => (a < b ? -1 : 1)));
  });

  test("announces a whole subtree to a persistent recursive watch, without children events", async () => {
    await client.addWatch(root, 1);
    await client.create(`${root}/a`, "");
    await client.create(`${root}/a/b`, "");
    await client.setData(`${root}/a/b`, "1");
    await client.delete(`${root}/a/b`);
    expect(client.events.map(({ type, path }) => [type, path.slice(root.length)])).toEqual([
      [eventType.created, "/a"],
      [eventType.created, "/a/b"],
      [eventType.dataChanged, "/a/b"],
      [eventType.deleted, "/a/b"],
    ]);
  });

  test("is sent for each part of a multi before its reply, and for none of a refused one", async () => {
    await client.addWatch(root, 1);
    const from = client.arrivals.length;
    const good = body.multi([
      { type: op.create, body: body.create(`${root}/a`, "") },
      { type: op.setData, body: body.setData(root, "1") },
    ]);
    const bad = body.multi([
      { type: op.setData, body: body.setData(root, "2") },
      { type: op.delete, body: body.versioned(`${root}/absent`) },
    ]);
    await client.request(op.multi, good);
    await client.request(op.multi, bad);
    expect(arrivalsSince(from)).toEqual([
      `event ${eventType.created} ${root}/a`,
      `event ${eventType.dataChanged} ${root}`,
      expect.stringContaining("reply"),
      expect.stringContaining("reply"),
    ]);
    expect((await client.getData(root)).data?.toString()).toBe("1");
  });

  test("that was missed while away comes before the reply to setWatches", async () => {
    await client.create(`${root}/gone`, "");
    const seen = (await client.getData(root)).stat;
    const lastZxid = client.arrivals.at(-1)?.zxid ?? 0n;
    await client.setData(root, "1");
    await client.delete(`${root}/gone`);
    using back = await WireClient.connect(server.port);
    const lists = new Bytes()
      .long(lastZxid)
      .strings([root, `${root}/gone`])
      .strings([root])
      .strings([root]);
    const reply = await back.request(op.setWatches, lists.build(), -8);
    expect(seen.version).toBe(0);
    expect(back.arrivals.at(-1)).toBe(reply);
    expect(back.events.map(({ type, path, zxid }) => [type, path, zxid])).toEqual([
      [eventType.dataChanged, root, -1n],
      [eventType.deleted, `${root}/gone`, -1n],
      [eventType.created, root, -1n],
      [eventType.childrenChanged, root, -1n],
    ]);
  });
});
