/**
 * What must be reached, shape by shape: ours over the real server's median, and where there is one an absolute limit for ours.
 * A run says of each whether it was.
 */

export interface Floor {
  readonly shape: string;
  readonly metric: string;
  /** Ours over the reference's: at least (of a rate), or at most (of times, bytes, stalls). */
  readonly ratio?: { readonly atLeast: number } | { readonly atMost: number };
  /** Of ours alone. */
  readonly atMost?: number;
}

const rate = "opsPerSecond";

function fast(shape: string, atLeast: number): Floor {
  return { shape, metric: rate, ratio: { atLeast } };
}

export const floors: readonly Floor[] = [
  fast("getData 50x16", 5),
  fast("getData 50x1", 1.2),
  fast("getData 1x1", 2.5),
  fast("setData 50x16", 4),
  fast("setData 1x1", 1),
  fast("create 50x16", 2.5),
  fast("80/20 mix 50x16", 2.5),
  fast("fan-out to 1000", 3),
  { shape: "fill, 1 million znodes", metric: "bytesPerZnode", ratio: { atMost: 0.35 }, atMost: 300 },
  { shape: "restart, 1 million znodes", metric: "seconds", ratio: { atMost: 0.25 } },
  { shape: "10000 idle sessions", metric: "residentMb", ratio: { atMost: 0.4 } },
  { shape: "start", metric: "seconds", ratio: { atMost: 0.6 }, atMost: 0.25 },
  { shape: "under snapshots, 1 million znodes", metric: "stallMs", atMost: 20 },
  { shape: "under snapshots, 1 million znodes", metric: "p999Ms", ratio: { atMost: 0.3 } },
  ...["getData 50x16", "setData 50x16", "create 50x16", "80/20 mix 50x16"].map((shape) => ({
    shape,
    metric: "cpuMicrosPerOp",
    ratio: { atMost: 0.4 },
  })),
  fast("setData 50x16 through a follower", 3),
  fast("setData 50x16 through the leader", 3),
  fast("setData 1x1 through a follower", 1.2),
  fast("setData 1x1 through the leader", 1.2),
  fast("80/20 mix 50x16 through all", 3),
  { shape: "failover at 1,000 znodes", metric: "seconds", ratio: { atMost: 0.6 }, atMost: 0.4 },
  { shape: "three members: start", metric: "seconds", ratio: { atMost: 0.3 } },
  { shape: "return by SNAP at 1,000,000 znodes", metric: "seconds", ratio: { atMost: 0.3 } },
  { shape: "return by SNAP at 1,000,000 znodes", metric: "stallMs", atMost: 20 },
];
