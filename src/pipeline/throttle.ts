/**
 * Limits on what is in flight. Two of them: a budget of bytes for large requests, beyond which a connection is closed,
 * and a number of requests server-wide, beyond which connections are not read for a while: back-pressure through TCP,
 * nothing is refused.
 * Source: ZooKeeperServer.shouldThrottle, checkRequestSizeWhenReceivingMessage.
 */

import type { Client } from "./client.ts";

export interface ThrottleOptions {
  /** Requests in process from which on connections with something outstanding are not read. */
  readonly globalOutstandingLimit: number;
  /** Frames longer than this count as large; -1 for none. */
  readonly largeRequestThresholdBytes: number;
  /** Bytes of large requests that may be in flight. */
  readonly largeRequestMaxBytes: number;
}

export class Throttle {
  readonly #options: ThrottleOptions;
  readonly #paused = new Set<Client>();
  #largeBytes = 0;

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  /** @returns the bytes to release when the request ends: 0 for a request that is not large, -1 for one too many. */
  admitLarge(frameBytes: number): number {
    const { largeRequestThresholdBytes, largeRequestMaxBytes } = this.#options;
    if (largeRequestThresholdBytes < 0 || frameBytes <= largeRequestThresholdBytes) return 0;
    if (this.#largeBytes + frameBytes > largeRequestMaxBytes) return -1;
    this.#largeBytes += frameBytes;
    return frameBytes;
  }

  releaseLarge(bytes: number): void {
    this.#largeBytes -= bytes;
  }

  /** Stops reading a connection until {@link resumeAll}. */
  pause(client: Client): void {
    if (client.isPaused) return;
    client.isPaused = true;
    this.#paused.add(client);
    client.link.pauseReading();
  }

  resumeAll(): void {
    for (const client of this.#paused) {
      client.isPaused = false;
      client.link.resumeReading();
    }
    this.#paused.clear();
  }

  forget(client: Client): void {
    this.#paused.delete(client);
  }
}
