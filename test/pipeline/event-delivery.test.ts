/** Who is told of a change, in which bytes, and what is counted. Expected frames are built byte by byte. */

import { describe, expect, test } from "vitest";
import { type Acl, Permission, writeAclList } from "#auth/acl.ts";
import { addIdentities, type Identity } from "#auth/identity.ts";
import { ProviderRegistry } from "#auth/provider-registry.ts";
import type { Summary } from "#base/metric-kinds.ts";
import { ServerMetrics } from "#base/metrics.ts";
import { SeededRandom } from "#base/prng.ts";
import { JuteWriter } from "#jute/writer.ts";
import { Client, type ClientLink } from "#pipeline/client.ts";
import { EventDelivery } from "#pipeline/event-delivery.ts";
import { Outbox } from "#pipeline/outbox.ts";
import { ServerStats } from "#pipeline/server-stats.ts";
import { DataTree } from "#tree/data-tree.ts";
import { EventType } from "#tree/watches.ts";

const worldMayRead: Acl = { perms: Permission.read, scheme: "world", id: "anyone" };
const all = [0, 1, 2];

/** What a client was sent, as hexadecimal. */
class RecordingLink implements ClientLink {
  sent = "";
  readonly isHeldBack = false;

  send(out: JuteWriter): boolean {
    this.sent += out.bytes.toString("hex", 0, out.length);
    return true;
  }

  readonly isResting = false;
  readonly isFull = false;
  rest(): void {}
  full(): void {}
  hasRoom(): void {}
  closeAfterSending(): void {}
  closeNow(): void {}
  sessionAnswered(): void {}
  pauseReading(): void {}
  resumeReading(): void {}
}

/** Three clients at 10.0.0.0 to 10.0.0.2, numbered by the last part. */
class Bench {
  readonly tree: DataTree = new DataTree({
    hashSeed: 7,
    digestEnabled: false,
    extendedTypesEnabled: true,
    emulate353TtlNodes: false,
  });
  readonly links: RecordingLink[] = all.map(() => new RecordingLink());
  readonly clients: Client[] = this.links.map(
    (link, number) => new Client({ number, link, remoteAddress: `10.0.0.${number}`, remotePort: 4000, wallMs: 0 }),
  );
  readonly metrics: ServerMetrics = new ServerMetrics(new SeededRandom(1));
  readonly outbox: Outbox = new Outbox();
  readonly delivery: EventDelivery;
  /** Called each time that a connection is looked up. */
  onLookUp: () => void = () => {};

  constructor(skipAcl = false) {
    this.delivery = new EventDelivery({
      tree: this.tree,
      registry: new ProviderRegistry(),
      skipAcl,
      outbox: this.outbox,
      metrics: this.metrics,
      stats: new ServerStats(),
      clientOf: (number) => {
        this.onLookUp();
        return this.clients[number];
      },
    });
  }

  prove(number: number, identity: Identity): void {
    const client = this.clients[number]!;
    client.identities = addIdentities(client.identities, [identity]);
  }

  /** Delivers an event about /a at zxid 0x500000003, whose bytes are gone once the first connection is looked up. */
  deliver(
    connections: number[] = all,
    acls: readonly Acl[] | null = null,
    type: EventType = EventType.nodeDataChanged,
  ): void {
    const bytes = Buffer.from("xx/ayy");
    this.onLookUp = () => bytes.fill(0xdb);
    const { acls: cache } = this.tree;
    const list = new JuteWriter(64);
    if (acls !== null) writeAclList(list, acls);
    const acl = acls === null ? cache.open : cache.intern(list.bytes, 0, list.length);
    this.delivery.deliver({ type, bytes, start: 2, end: 4, zxidHigh: 5, zxidLow: 3, acl, connections });
    this.outbox.flush();
  }

  /** Numbers of the clients that were sent something. */
  get told(): number[] {
    return all.filter((number) => this.links[number]!.sent !== "");
  }
}

/** length | xid -1 | zxid | err 0 | type | state 3 | path "/a" */
function eventHex(type: number, zxid = "0000000500000003"): string {
  const typeHex = type.toString(16).padStart(8, "0");
  return `0000001effffffff${zxid}00000000${typeHex}00000003000000022f61`;
}

/** Delivers an event of a znode with this list; checks who hears of it. */
function check(acls: readonly Acl[], expected: readonly number[], prepare: (bench: Bench) => void = () => {}): void {
  const bench = new Bench();
  prepare(bench);
  bench.deliver(all, acls);
  expect(bench.told).toEqual(expected);
}

describe("an event", () => {
  test("is encoded once, and every watcher is sent the same bytes", () => {
    const bench = new Bench();
    bench.deliver();
    expect(bench.links.map(({ sent }) => sent)).toEqual(all.map(() => eventHex(EventType.nodeDataChanged)));
  });

  test("has the same bytes for very many watchers, each of whom may have more to be sent", () => {
    const bench = new Bench();
    bench.outbox.open(bench.clients[2]!).writeInt(0x01020304);
    bench.deliver([...Array.from({ length: 40 }, (_, i) => i + 100), ...all]);
    const event = eventHex(EventType.nodeDataChanged);
    expect(bench.links.map(({ sent }) => sent)).toEqual([event, event, `01020304${event}`]);
    bench.deliver([1]);
    expect(bench.links[1]!.sent).toBe(event + event);
  });

  test("goes to its watchers and to no one else", () => {
    const bench = new Bench();
    bench.deliver([2, 0]);
    expect(bench.told).toEqual([0, 2]);
  });

  test("follows what a connection was to be sent before it", () => {
    const bench = new Bench();
    bench.outbox.open(bench.clients[1]!).writeInt(0x01020304);
    bench.deliver([1]);
    bench.deliver([1], null, EventType.nodeDeleted);
    const events = eventHex(EventType.nodeDataChanged) + eventHex(EventType.nodeDeleted);
    expect(bench.links[1]!.sent).toBe(`01020304${events}`);
  });

  test("passes over a connection that is unknown or closed", () => {
    const bench = new Bench();
    bench.clients[0]!.isClosed = true;
    bench.deliver([0, 17, 1]);
    expect(bench.told).toEqual([1]);
    expect(bench.clients.map(({ stats }) => stats.sent)).toEqual([0, 1, 0]);
  });
});

describe("whoever may not READ the znode is not told", () => {
  test("by an entry that names addresses", () => {
    check([{ perms: Permission.read, scheme: "ip", id: "10.0.0.1" }], [1]);
  });

  test("by an entry that names an identity that was proven", () => {
    check([{ perms: Permission.all, scheme: "digest", id: "ann:hash" }], [2], (bench) =>
      bench.prove(2, { scheme: "digest", id: "ann:hash" }),
    );
  });

  test("by a list that gives everyone every other permission", () => {
    check([{ perms: Permission.all & ~Permission.read, scheme: "world", id: "anyone" }], []);
  });

  test("unless another entry, or everyone's, lets him", () => {
    const nobody: Acl = { perms: Permission.all, scheme: "digest", id: "nobody:hash" };
    check([nobody, { perms: Permission.read, scheme: "ip", id: "10.0.0.0" }], [0]);
    check([nobody, worldMayRead], all);
  });

  test("unless he is super, or the list is empty", () => {
    check([{ perms: Permission.all, scheme: "digest", id: "nobody:hash" }], [1], (bench) =>
      bench.prove(1, { scheme: "super", id: "" }),
    );
    check([], all);
  });

  test("unless ACLs are not checked at all", () => {
    const bench = new Bench(true);
    bench.deliver(all, [{ perms: Permission.all, scheme: "digest", id: "nobody:hash" }]);
    expect(bench.told).toEqual(all);
  });

  test("by the list in the event, whatever list the tree has for that path by now", () => {
    const bench = new Bench();
    expect(bench.tree.find(Buffer.from("/a"), 0, 2)).toBe(0);
    bench.deliver(all, [{ perms: Permission.read, scheme: "ip", id: "10.0.0.2" }]);
    expect(bench.told).toEqual([2]);
  });
});

describe("counts", () => {
  const summaries: readonly [keyof typeof EventType, (metrics: ServerMetrics) => Summary][] = [
    ["nodeCreated", (metrics) => metrics.nodeCreatedWatchCount],
    ["nodeDeleted", (metrics) => metrics.nodeDeletedWatchCount],
    ["nodeDataChanged", (metrics) => metrics.nodeChangedWatchCount],
    ["nodeChildrenChanged", (metrics) => metrics.nodeChildrenWatchCount],
  ];

  test.each(summaries)("of %s are the watches that fired, withheld ones included", (name, summaryOf) => {
    const bench = new Bench();
    bench.deliver(all, [{ perms: Permission.read, scheme: "ip", id: "10.0.0.1" }], EventType[name]);
    const counted = summaries.map(([, of]) => of(bench.metrics).sum);
    expect(summaryOf(bench.metrics).sum).toBe(3);
    expect(counted.filter((sum) => sum !== 0)).toEqual([3]);
  });

  test("of bytes and packets are what was sent", () => {
    const bench = new Bench();
    bench.deliver(all, [{ perms: Permission.read, scheme: "ip", id: "10.0.0.1" }]);
    bench.deliver([1, 2]);
    expect(bench.clients.map(({ stats }) => stats.sent)).toEqual([0, 2, 1]);
    // The four bytes of each frame's length are left out, as ZooKeeper leaves them out.
    expect(bench.metrics.watchBytes.value).toBe(3 * 30);
  });
});

describe("an event that setWatches makes up", () => {
  test("carries zxid -1 and goes to one client, counted as one packet and as no watch that fired", () => {
    const bench = new Bench();
    const path = Buffer.from("xx/ayy");
    bench.delivery.deliverCatchUp(bench.clients[1]!, EventType.nodeCreated, path, 2, 4);
    path.fill(0xdb);
    bench.outbox.flush();
    expect(bench.links.map(({ sent }) => sent)).toEqual(["", eventHex(EventType.nodeCreated, "f".repeat(16)), ""]);
    expect(bench.clients.map(({ stats }) => stats.sent)).toEqual([0, 1, 0]);
    expect(bench.metrics.nodeCreatedWatchCount.count).toBe(0);
  });
});
