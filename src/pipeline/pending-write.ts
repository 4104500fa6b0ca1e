/**
 * A write that was prepared and is not answered yet: what its reply needs to know, kept while its transaction is on the
 * way to the disk. Pooled by the pipeline, which has one for each transaction in flight, in zxid order.
 */

import { ErrorCode } from "#protocol/error-code.ts";
import type { Session } from "#session/session-tracker.ts";
import type { Client } from "./client.ts";

export class PendingWrite {
  /** Null for what the server asked for itself. */
  client: Client | null = null;
  /** The session that asked, or begins, or ends; null for a removal by the reaper. */
  session: Session | null = null;
  xid = 0;
  type = 0;
  receivedMs = 0;
  /** A learner's: the newest transaction that it had received when it sent the request to the leader; zero for none. */
  afterHigh = 0;
  afterLow = 0;
  /** What its client is told where the leader has refused it; ok for what the leader says. */
  refusal: ErrorCode = ErrorCode.ok;
  /** To be given back to the budget of large requests. */
  largeBytes = 0;
}
