/**
 * The counters behind `srvr`, `stat` and the first lines of `mntr`. They begin with the server and are zeroed by `srst`.
 * Source: ServerStats.java, BufferStats.java.
 */

import type { Client } from "./client.ts";
import { BufferStats, Summary } from "#base/metric-kinds.ts";

export class ServerStats {
  packetsReceived = 0;
  packetsSent = 0;
  /** Of all requests, ms. */
  latency: Summary = new Summary("latency");
  responseSizes: BufferStats = new BufferStats();

  /** A packet has come from this connection. */
  countReceived({ stats }: Client): void {
    stats.received++;
    this.packetsReceived++;
  }

  /** Packets that are no replies to a request have gone to this connection. */
  countSent({ stats }: Client, count = 1): void {
    stats.sent += count;
    this.packetsSent += count;
  }

  replied(latencyMs: number): void {
    this.packetsSent++;
    this.latency.add(latencyMs);
  }

  reset(): void {
    this.packetsReceived = 0;
    this.packetsSent = 0;
    this.latency.reset();
    this.responseSizes = new BufferStats();
  }
}
