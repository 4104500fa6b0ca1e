/**
 * The rate at which handshakes are accepted: a bucket of tokens that fills up with time, and, if wanted, a random refusal
 * whose probability follows how empty the bucket is (BLUE). Off unless `connection_throttle_tokens` is set.
 *
 * At each connect the bucket is filled by `elapsed * fillCount / fillTimeMs`, an integer, if more than fillTimeMs have
 * passed. A connect takes one token, or by weight three for a new global session, two for a renewal, one for a local
 * session; with weights, capacity and filling come multiplied by the first of these.
 * Source: BlueThrottle.java.
 */

import type { Random } from "#base/prng.ts";

export interface ConnectionThrottleOptions {
  /** Capacity, which with weights is counted in the largest weight; 0 or less for no throttle. */
  readonly tokens: number;
  readonly fillTimeMs: number;
  readonly fillCount: number;
  /** How often the drop probability may change; -1 for no random refusal. */
  readonly freezeTimeMs: number;
  readonly dropIncrease: number;
  readonly dropDecrease: number;
  /** Share of the capacity that may be missing before the probability stops falling. */
  readonly decreaseRatio: number;
  readonly weightEnabled: boolean;
  readonly localSessionWeight: number;
  readonly globalSessionWeight: number;
  readonly renewSessionWeight: number;
}

/** What a handshake asks for. */
export type ConnectKind = "local" | "global" | "renewal";

export class ConnectionThrottle {
  readonly #options: ConnectionThrottleOptions;
  readonly #random: Random;
  readonly #capacity: number;
  readonly #fillCount: number;
  #tokens: number;
  #filledAtMs: number;
  #frozenAtMs: number;
  #dropProbability = 0;

  constructor(options: ConnectionThrottleOptions, random: Random, nowMs: number) {
    this.#options = options;
    this.#random = random;
    this.#capacity = options.tokens;
    this.#fillCount = options.fillCount;
    this.#tokens = this.#capacity;
    this.#filledAtMs = nowMs;
    this.#frozenAtMs = nowMs;
  }

  get dropProbability(): number {
    return this.#dropProbability;
  }

  /** Tokens that are missing from a full bucket. */
  get deficit(): number {
    return this.#capacity - this.#tokens;
  }

  /** Whether a connect may go on; takes its tokens if so. */
  admit(kind: ConnectKind, nowMs: number): boolean {
    const options = this.#options;
    if (options.tokens <= 0) return true;
    this.#fill(nowMs);
    if (options.freezeTimeMs !== -1) {
      this.#adjustProbability(nowMs);
      if (this.#random.next() < this.#dropProbability) return false;
    }
    const needed = options.weightEnabled ? this.#weightOf(kind) : 1;
    if (this.#tokens < needed) return false;
    this.#tokens -= needed;
    return true;
  }

  #weightOf(kind: ConnectKind): number {
    const { localSessionWeight, globalSessionWeight, renewSessionWeight } = this.#options;
    if (kind === "renewal") return renewSessionWeight;
    return kind === "local" ? localSessionWeight : globalSessionWeight;
  }

  #fill(nowMs: number): void {
    const elapsedMs = nowMs - this.#filledAtMs;
    if (elapsedMs <= this.#options.fillTimeMs) return;
    const refill = Math.floor((elapsedMs * this.#fillCount) / this.#options.fillTimeMs);
    this.#tokens = Math.min(this.#tokens + refill, this.#capacity);
    this.#filledAtMs = nowMs;
  }

  #adjustProbability(nowMs: number): void {
    const { freezeTimeMs, dropIncrease, dropDecrease, decreaseRatio } = this.#options;
    if (nowMs - this.#frozenAtMs < freezeTimeMs) return;
    if (this.#tokens <= 0 && this.#dropProbability < 1) {
      this.#dropProbability = Math.min(this.#dropProbability + dropIncrease, 1);
      this.#frozenAtMs = nowMs;
    } else if (this.deficit <= this.#capacity * decreaseRatio && this.#dropProbability > 0) {
      this.#dropProbability = Math.max(this.#dropProbability - dropDecrease, 0);
      this.#frozenAtMs = nowMs;
    }
  }
}
