/**
 * From a change to its watchers' outputs. An event is encoded once, whoever watches, and goes to each connection that
 * may READ the znode it is about, by the ACL the znode had. Events that setWatches makes up carry zxid -1 and are not
 * filtered.
 * Source: NIOServerCnxn.process, ServerWatcher, DataTree.setWatches.
 */

import { Permission } from "#auth/acl.ts";
import { checkAcl } from "#auth/acl-check.ts";
import type { ProviderRegistry } from "#auth/provider-registry.ts";
import type { ServerMetrics } from "#base/metrics.ts";
import { JuteWriter } from "#jute/writer.ts";
import { frameLengthBytes, writeEvent } from "#protocol/reply.ts";
import type { DataTree } from "#tree/data-tree.ts";
import { EventType, type WatchEvent } from "#tree/watches.ts";
import type { Client } from "./client.ts";
import type { Outbox } from "./outbox.ts";
import type { ServerStats } from "./server-stats.ts";

/** From so many watchers on a frame of its own costs less than a copy for each. */
const sharersMin = 16;
/** Of its frame, without the path. */
const eventBytes = 32;

export class EventDelivery {
  readonly #tree: DataTree;
  readonly #registry: ProviderRegistry;
  readonly #skipAcl: boolean;
  readonly #outbox: Outbox;
  readonly #metrics: ServerMetrics;
  readonly #stats: ServerStats;
  readonly #clientOf: (number: number) => Client | undefined;
  readonly #frame = new JuteWriter(512);

  constructor(parts: {
    tree: DataTree;
    registry: ProviderRegistry;
    skipAcl: boolean;
    outbox: Outbox;
    metrics: ServerMetrics;
    stats: ServerStats;
    clientOf: (number: number) => Client | undefined;
  }) {
    this.#tree = parts.tree;
    this.#registry = parts.registry;
    this.#skipAcl = parts.skipAcl;
    this.#outbox = parts.outbox;
    this.#metrics = parts.metrics;
    this.#stats = parts.stats;
    this.#clientOf = parts.clientOf;
  }

  /** The tree's sink for events. */
  readonly deliver = (event: WatchEvent): void => {
    const isShared = event.connections.length >= sharersMin;
    const frame = isShared ? new JuteWriter(eventBytes + event.end - event.start) : this.#frame;
    frame.length = 0;
    writeEvent(frame, event.type, event.zxidHigh, event.zxidLow, event.bytes, event.start, event.end);
    const isOpen = event.acl === this.#tree.acls.open || this.#skipAcl;
    const { connections } = event;
    for (let i = 0; i < connections.length; i++) {
      const client = this.#clientOf(connections[i]!);
      if (client === undefined || client.isClosed) continue;
      if (!isOpen && !checkAcl(event.acl.list, Permission.read, client.identities, this.#registry)) continue;
      if (isShared) this.#outbox.share(client, frame);
      else this.#outbox.open(client).writeRaw(frame.bytes, 0, frame.length);
      this.#countSent(client, frame.length);
    }
    this.#count(event.type, connections.length);
  };

  /** An event that setWatches makes up for a change that the client has missed. */
  readonly deliverCatchUp = (client: Client, type: number, path: Buffer, start: number, end: number): void => {
    const out = this.#outbox.open(client);
    const before = out.length;
    writeEvent(out, type, -1, -1, path, start, end);
    this.#countSent(client, out.length - before);
  };

  /** An event counts among the packets and the response sizes as a reply does; sizes leave out the frame's length. */
  #countSent(client: Client, frameBytes: number): void {
    this.#stats.countSent(client);
    this.#stats.responseSizes.add(frameBytes - frameLengthBytes);
    this.#metrics.watchBytes.increment(frameBytes - frameLengthBytes);
  }

  #count(type: EventType, watcherCount: number): void {
    switch (type) {
      case EventType.nodeCreated:
        this.#metrics.nodeCreatedWatchCount.add(watcherCount);
        return;
      case EventType.nodeDeleted:
        this.#metrics.nodeDeletedWatchCount.add(watcherCount);
        return;
      case EventType.nodeDataChanged:
        this.#metrics.nodeChangedWatchCount.add(watcherCount);
        return;
      case EventType.nodeChildrenChanged:
        this.#metrics.nodeChildrenWatchCount.add(watcherCount);
        return;
    }
  }
}
