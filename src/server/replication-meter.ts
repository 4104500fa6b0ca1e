/**
 * Counts a member's transactions while it serves, and times them, from the moment that the leader gave them (its wall clock,
 * in their headers: where clocks differ, so do the times, and what would be negative is left out).
 *
 *   leader     proposal_count, commit_count; quorum_ack_latency, until a quorum has it
 *   follower   learner_proposal_received_count, proposal_latency, until it comes
 *   learners   learner_commit_received_count, commit_propagation_latency, until its commit comes
 *   voters     proposal_ack_creation_latency, until it is on this disk
 *
 * Source: Leader.propose and commit, Follower.processPacket, Observer.processPacket, SendAckRequestProcessor, AckRequestProcessor.
 */

import type { ServerMetrics } from "#base/metrics.ts";
import { numberOf } from "#base/zxid.ts";
import { readInt32 } from "#jute/reader.ts";
import { timeInTxnHeader } from "#protocol/txn-header.ts";
import type { TxnWindow } from "#quorum/txn-window.ts";

export type ServingRole = "leader" | "follower" | "observer";

export class ReplicationMeter {
  readonly #metrics: ServerMetrics;
  readonly #role: ServingRole;
  readonly #window: TxnWindow;
  /** The newest transaction that was counted as committed. */
  #committedHigh = 0;
  #committedLow = 0;

  /** @param window where the transactions lie; what is committed in it already counts no more. */
  constructor(metrics: ServerMetrics, role: ServingRole, window: TxnWindow) {
    this.#metrics = metrics;
    this.#role = role;
    this.#window = window;
    this.#advance();
  }

  /** A transaction has been proposed, by this leader or to this follower; it lies at `start`. */
  proposed(bytes: Buffer, start: number, wallMs: number): void {
    const metrics = this.#metrics;
    if (this.#role === "leader") {
      metrics.proposalCount.increment();
    } else if (this.#role === "follower") {
      metrics.learnerProposalReceivedCount.increment();
      const ms = sinceTxn(bytes, start, wallMs);
      if (ms >= 0) metrics.proposalLatency.add(ms);
    }
  }

  /** That transaction is on this server's disk. */
  durable(bytes: Buffer, start: number, wallMs: number): void {
    if (this.#role === "observer") return;
    const ms = sinceTxn(bytes, start, wallMs);
    if (ms >= 0) this.#metrics.proposalAckCreationLatency.add(ms);
  }

  /** More of the window has been committed. */
  committed(wallMs: number): void {
    const window = this.#window;
    const from = window.indexBehind(this.#committedHigh, this.#committedLow);
    for (let index = from; index < window.committedCount; index++) {
      const { bytes, start } = window.at(index);
      this.#countCommitted(sinceTxn(bytes, start, wallMs));
    }
    this.#advance();
  }

  #countCommitted(ms: number): void {
    const metrics = this.#metrics;
    if (this.#role === "leader") {
      metrics.commitCount.increment();
      if (ms >= 0) metrics.quorumAckLatency.add(ms);
    } else {
      metrics.learnerCommitReceivedCount.increment();
      if (ms >= 0) metrics.commitPropagationLatency.add(ms);
    }
  }

  #advance(): void {
    const { committedCount } = this.#window;
    if (committedCount === 0) return;
    const { zxidHigh, zxidLow } = this.#window.at(committedCount - 1);
    this.#committedHigh = zxidHigh;
    this.#committedLow = zxidLow;
  }
}

/** Milliseconds between the time in a transaction's header and `wallMs`. */
function sinceTxn(bytes: Buffer, start: number, wallMs: number): number {
  const timeAt = start + timeInTxnHeader;
  return wallMs - numberOf(readInt32(bytes, timeAt), readInt32(bytes, timeAt + 4));
}
