/** What a well-behaved client (bystander.ts) has seen since it was asked last. */
export interface BystanderReport {
  readonly operations: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Connections that ended under it; it came back each time. */
  readonly connectionsLost: number;
  /** Sessions that were not there any more when it came back. */
  readonly sessionsLost: number;
}
