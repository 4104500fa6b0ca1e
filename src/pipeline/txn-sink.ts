/**
 * Where prepared transactions go: the log of a standalone server, a proposal of a leader. The pipeline knows this much
 * of either and no more.
 */

import type { JuteWriter } from "#jute/writer.ts";

export interface TxnSink {
  /** The writer to append the next transaction's bytes to. */
  beginRecord(): JuteWriter;
  /** The transaction is complete and will be handed back, once it is durable, in this order. */
  endRecord(zxidHigh: number, zxidLow: number): void;
}
