/** Two pipelines, of a leader and of a learner whose clients' writes go there: both are the real ones, the packets between them objects. */

import { JuteReader } from "#jute/reader.ts";
import { OpCode } from "#protocol/op-code.ts";
import { type HarnessOptions, PipelineHarness } from "./pipeline-harness.ts";

/** A leader, and a learner whose requests reach it at once. */
export class LeaderAndLearner {
  readonly leader: PipelineHarness;
  readonly learner: PipelineHarness;
  /** Syncs that the leader was asked for. */
  syncsAsked = 0;
  readonly #link = {};

  /** @param options of both. */
  constructor(options: HarnessOptions = {}) {
    const leader = new PipelineHarness(options);
    this.leader = leader;
    const { sessions } = leader.database;
    this.learner = new PipelineHarness(options, (request) => {
      const { idHigh, idLow, xid, type, bytes, start, end } = request;
      if (type === OpCode.sync) {
        this.syncsAsked++;
        return;
      }
      leader.writes.submitForLearner(
        {
          idHigh,
          idLow,
          xid,
          type,
          identities: request.identities ?? [],
          sessionTimeoutMs: type === OpCode.createSession ? bytes.readInt32BE(start) : 0,
          reader: new JuteReader(bytes, start, end),
          owner: this.#link,
        },
        sessions,
        leader.nowMs,
        leader.nowMs,
      );
    });
    // A learner expires nobody.
    this.learner.database.sessions.stop();
  }

  /** The leader's oldest transactions are durable, committed, and applied on both. */
  commit(count: number = this.leader.log.held.length): void {
    for (const txn of this.leader.log.held.slice(0, count)) {
      this.leader.durable(1);
      this.apply(txn);
    }
  }

  /** A transaction reaches the learner. */
  apply(txn: Buffer): void {
    const { pipeline, nowMs } = this.learner;
    pipeline.effort.begin();
    pipeline.applied(Buffer.from(txn), 0, txn.length, nowMs, nowMs);
    pipeline.outbox.flush();
  }

  /** The leader answers the oldest sync, behind what it has committed. */
  answerSync(): void {
    const { forwarded, database, pipeline, nowMs } = this.learner;
    const { lastZxidHigh, lastZxidLow } = this.leader.database.tree;
    forwarded!.syncs.answered(lastZxidHigh, lastZxidLow);
    const { tree } = database;
    for (;;) {
      const sync = forwarded!.syncs.take(tree.lastZxidHigh, tree.lastZxidLow);
      if (sync === null) break;
      pipeline.synced(sync.pending, sync.request, nowMs);
    }
    pipeline.outbox.flush();
  }
}
