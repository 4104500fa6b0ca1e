/**
 * The request throttle: one queue in front of the pipeline, from which requests are let in while fewer than
 * `request_throttle_max_requests` are in process. Off by default, and then there is no queue.
 *
 * A request is stale when its connection is gone, or (if asked for) when it has waited longer than its session timeout.
 * With `request_throttle_drop_stale` a stale request is dropped and its connection closed, so that nothing of that
 * connection is executed out of order. A request that has waited longer than `throttled_op_wait_time` is let in marked:
 * it is answered with ThrottledOp in its turn.
 * Source: RequestThrottler.java, Request.isStale.
 */

import { Deque } from "#base/deque.ts";
import type { ServerMetrics } from "#base/metrics.ts";
import { OpCode } from "#protocol/op-code.ts";
import type { Incoming } from "./incoming.ts";

export interface RequestThrottleOptions {
  /** Requests in process; 0 for no throttle. */
  readonly maxRequests: number;
  readonly dropStale: boolean;
  readonly staleConnectionCheck: boolean;
  readonly staleLatencyCheck: boolean;
}

export class RequestQueue {
  readonly #options: RequestThrottleOptions;
  /** 0 for never. */
  readonly #throttledOpWaitTimeMs: number;
  readonly #metrics: ServerMetrics;
  readonly #queue = new Deque<Incoming>();

  constructor(options: RequestThrottleOptions, throttledOpWaitTimeMs: number, metrics: ServerMetrics) {
    this.#options = options;
    this.#throttledOpWaitTimeMs = throttledOpWaitTimeMs;
    this.#metrics = metrics;
  }

  get isEnabled(): boolean {
    return this.#options.maxRequests > 0;
  }

  get length(): number {
    return this.#queue.length;
  }

  push(incoming: Incoming): void {
    this.#queue.push(incoming.kept());
  }

  /** The next request that may go on, given how many are in process, or null; `drop` is told of those that may not. */
  take(inProcess: number, nowMs: number, drop: (incoming: Incoming) => void): Incoming | null {
    while (this.#queue.length > 0) {
      const next = this.#queue.at(0);
      const isStale = this.#isStale(next, nowMs);
      if (next.client.isClosed || (isStale && this.#options.dropStale)) {
        if (!next.client.isClosed) this.#metrics.staleRequestsDropped.increment();
        drop(this.#queue.shift());
        continue;
      }
      if (inProcess >= this.#options.maxRequests) {
        this.#metrics.requestThrottleWaitCount.increment();
        return null;
      }
      if (isStale) this.#metrics.staleRequests.increment();
      return this.#letIn(this.#queue.shift(), nowMs);
    }
    return null;
  }

  #letIn(incoming: Incoming, nowMs: number): Incoming {
    const waitedMs = nowMs - incoming.receivedMs;
    this.#metrics.requestThrottleQueueTimeMs.add(waitedMs);
    const { type } = incoming;
    const isThrottlable = type !== OpCode.ping && type !== OpCode.closeSession && type !== OpCode.createSession;
    if (isThrottlable && this.#throttledOpWaitTimeMs > 0 && waitedMs > this.#throttledOpWaitTimeMs) {
      incoming.isThrottled = true;
      this.#metrics.throttledOps.increment();
    }
    return incoming;
  }

  #isStale(incoming: Incoming, nowMs: number): boolean {
    const { client } = incoming;
    if (incoming.type === OpCode.closeSession) return false;
    if (this.#options.staleConnectionCheck && client.isClosed) return true;
    return this.#options.staleLatencyCheck && nowMs - incoming.receivedMs > client.timeoutMs;
  }
}
