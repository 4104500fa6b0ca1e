/**
 * A hundred thousand one-time watches of one client, which moves to another member in the middle of their events. It sets those again that
 * it was not told of, as clients do: in several packets, each as long as a frame may be (ZOOKEEPER-706), with the last zxid of a
 * reply. Whenever a znode changes, before, meanwhile or after, its client is told once.
 */

import { expect, test } from "vitest";
import { Bytes } from "../support/bytes.ts";
import { EnsembleProcess } from "../support/ensemble-process.ts";
import { fourLetterWord, WireClient } from "../support/wire-client.ts";
import { body, op } from "../support/wire-frames.ts";

const watchCount = 100_000;
const frameBytesMax = 1_048_575;
const requestHeaderBytes = 8;
const setWatchesXid = -8;
const inFlightMax = 2_000;
const partsMax = 2_000;
/** Nobody here pings. */
const maxSessionTimeout = 60_000;
const EventType = { nodeCreated: 1, nodeDeleted: 2, nodeDataChanged: 3, nodeChildrenChanged: 4 } as const;

interface Part {
  readonly type: number;
  readonly body: Buffer;
}

/** A watch, and the change that it is to tell of. */
interface Watch {
  readonly list: "data" | "exist" | "child";
  readonly path: string;
  readonly change: Part;
  readonly event: number;
}

function watchAt(index: number): Watch {
  const path = `/watched/${index}`;
  const turn = index % 10;
  if (turn < 4) {
    const change = { type: op.setData, body: body.setData(path, "changed") };
    return { list: "data", path, change, event: EventType.nodeDataChanged };
  }
  if (turn === 4) {
    const change = { type: op.delete, body: body.versioned(path) };
    return { list: "data", path, change, event: EventType.nodeDeleted };
  }
  if (turn < 8) {
    const change = { type: op.create, body: body.create(path) };
    return { list: "exist", path, change, event: EventType.nodeCreated };
  }
  const change = { type: op.create, body: body.create(`${path}/child`) };
  return { list: "child", path, change, event: EventType.nodeChildrenChanged };
}

const reads = { data: op.getData, exist: op.exists, child: op.getChildren } as const;

const watches = Array.from({ length: watchCount }, (_, i) => watchAt(i));

/** When they change; each time has watches of every kind, and some never change. */
const [whileThere, whileAway, whileSettingAgain, afterwards, never] = Array.from({ length: 5 }, (_, time) =>
  watches.filter((_watch, i) => Math.floor(i / 10) % 5 === time),
) as [Watch[], Watch[], Watch[], Watch[], Watch[]];

async function carryOut(writer: WireClient, parts: readonly Part[], size = partsMax): Promise<void> {
  for (let from = 0; from < parts.length; from += size) {
    const { err } = await writer.request(op.multi, body.multi(parts.slice(from, from + size)));
    expect(err).toBe(0);
  }
}

function change(writer: WireClient, changed: readonly Watch[], size?: number): Promise<void> {
  return carryOut(
    writer,
    changed.map((watch) => watch.change),
    size,
  );
}

async function leaveWatches(client: WireClient): Promise<void> {
  for (let from = 0; from < watchCount; from += inFlightMax) {
    const some = watches.slice(from, from + inFlightMax);
    await Promise.all(some.map(({ list, path }) => client.request(reads[list], body.watched(path, true))));
  }
}

/** As few packets as hold them. */
function setWatchesPackets(zxid: bigint, left: readonly Watch[]): Buffer[] {
  const packets: Buffer[] = [];
  const emptyBytes = requestHeaderBytes + 8 + 3 * 4;
  let lists = { data: [] as string[], exist: [] as string[], child: [] as string[] };
  let length = emptyBytes;
  const close = (): void => {
    packets.push(new Bytes().long(zxid).strings(lists.data).strings(lists.exist).strings(lists.child).build());
    lists = { data: [], exist: [], child: [] };
    length = emptyBytes;
  };
  for (const { list, path } of left) {
    if (length + 4 + path.length > frameBytesMax) close();
    lists[list].push(path);
    length += 4 + path.length;
  }
  close();
  return packets;
}

/** The zxid of the last reply: events say nothing of what their client has seen (ClientCnxn.readResponse). */
function lastZxidSeen({ arrivals }: WireClient): bigint {
  return arrivals.findLast(({ kind }) => kind === "reply")!.zxid;
}

async function watchesAt(port: number): Promise<number> {
  return Number(/^zk_watch_count\t(\d+)$/m.exec(await fourLetterWord(port, "mntr"))?.[1]);
}

function eventsByPath(clients: readonly WireClient[]): Map<string, number[]> {
  const told = new Map<string, number[]>();
  for (const { type, path } of clients.flatMap(({ events }) => events)) {
    told.set(path, [...(told.get(path) ?? []), type]);
  }
  return told;
}

const timeoutMs = 120_000;

test(
  "none of 100,000 watches misses its event or tells it twice when their client moves to another member",
  { timeout: timeoutMs },
  async () => {
    await using ensemble = await EnsembleProcess.start({
      kinds: ["ours", "ours", "ours"],
      settings: { maxSessionTimeout },
    });
    const leader = await ensemble.leader();
    const [left, next] = ensemble.servers.filter((server) => server !== leader) as [typeof leader, typeof leader];
    using writer = await WireClient.connect(next.port, { timeoutMs: maxSessionTimeout });
    await writer.create("/watched");
    const present = watches.filter(({ list }) => list !== "exist");
    await carryOut(
      writer,
      present.map(({ path }) => ({ type: op.create, body: body.create(path) })),
    );

    const before = await WireClient.connect(left.port, { timeoutMs: maxSessionTimeout });
    await before.sync("/");
    await leaveWatches(before);
    expect(await watchesAt(left.port)).toBe(watchCount);
    const changing = change(writer, whileThere, 100);
    for (let heard = 0; heard < whileThere.length / 2; heard++) await before.nextEvent();
    const heardThere = new Set(before.events.map(({ path }) => path));
    before.drop();
    const { session, events } = before;
    expect(events).toHaveLength(heardThere.size);
    await left.kill();
    await changing;
    await change(writer, whileAway);

    const lost = watches.filter(({ path }) => !heardThere.has(path));
    const packets = setWatchesPackets(lastZxidSeen(before), lost);
    expect(packets.length).toBeGreaterThan(1);
    const changingMeanwhile = change(writer, whileSettingAgain, 100);
    using after = await WireClient.connect(next.port, {
      timeoutMs: maxSessionTimeout,
      session,
      lastZxidSeen: lastZxidSeen(before),
    });
    const set = packets.map((packet) => after.request(op.setWatches, packet, setWatchesXid));
    await changingMeanwhile;
    expect((await Promise.all(set)).map(({ err }) => err)).toEqual(packets.map(() => 0));
    await change(writer, afterwards);
    // Events come before what is asked for once the changes are there.
    await after.exists("/");

    const told = eventsByPath([before, after]);
    const unchanged = new Set(never);
    const wrong = watches.filter((watch) => {
      const expected = unchanged.has(watch) ? [] : [watch.event];
      return String(told.get(watch.path) ?? []) !== String(expected);
    });
    expect(wrong.slice(0, 10)).toEqual([]);
    expect(told.size).toBe(watchCount - never.length);
    expect(await watchesAt(next.port)).toBe(never.length);
  },
);
