/**
 * Latencies in buckets that are about one per cent wide: 64 to each doubling from a microsecond up. Recording is one
 * logarithm and one addition for all replies that waited equally long, so that measuring does not slow what is measured.
 */

const bucketsPerDoubling = 64;
const doublings = 26;

export interface LatencySummary {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export class LatencyHistogram {
  readonly #counts: Uint32Array = new Uint32Array(bucketsPerDoubling * doublings);
  #total = 0;
  #maxMs = 0;

  record(latencyMs: number, count = 1): void {
    const bucket = Math.floor(Math.log2(Math.max(1, latencyMs * 1000)) * bucketsPerDoubling);
    this.#counts[Math.min(bucket, this.#counts.length - 1)]! += count;
    this.#total += count;
    if (latencyMs > this.#maxMs) this.#maxMs = latencyMs;
  }

  summary(): LatencySummary {
    return {
      p50Ms: this.#quantileMs(0.5),
      p90Ms: this.#quantileMs(0.9),
      p99Ms: this.#quantileMs(0.99),
      p999Ms: this.#quantileMs(0.999),
      maxMs: this.#maxMs,
    };
  }

  #quantileMs(quantile: number): number {
    const rank = Math.ceil(this.#total * quantile);
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank && count > 0) return 2 ** ((bucket + 0.5) / bucketsPerDoubling) / 1000;
    }
    return 0;
  }
}
