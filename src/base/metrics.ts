/**
 * Every metric of ZooKeeper 3.9.5 that the server itself feeds, one field each: the field is the metric's name in
 * camelCase. Dashboards and alerts know them by name, so all of them exist, at zero, from the start and in every role.
 * Times are milliseconds. Where a thing has no counterpart in this server its metric stays at zero.
 *
 * Gauges (znode_count, num_alive_connections, ...) are not here: they are read off the server when somebody asks.
 * Always: no two fields share a name; `srst` sets all of them back to zero.
 * Source: ServerMetrics.java, DefaultMetricsProvider.java.
 */

import {
  AdvancedSummary,
  type AdvancedSummarySet,
  Counter,
  type CounterSet,
  type Metric,
  newAdvancedSummarySet,
  newCounterSet,
  newSummarySet,
  Summary,
  type SummarySet,
} from "./metric-kinds.ts";
import type { Random } from "./prng.ts";

/** The order of kinds in ZooKeeper's own rendering. */
const kindsInOrder: readonly Metric["kind"][] = [
  "counter",
  "counterSet",
  "summary",
  "advancedSummary",
  "summarySet",
  "advancedSummarySet",
];

/** The metrics of one server. `random` chooses what the reservoirs of percentiles keep. */
export class ServerMetrics {
  readonly #metrics: Metric[] = [];
  readonly #random: Random;
  /** Field initialisers run before the constructor's body: they get this stand-in for what will be handed in. */
  readonly #dice: Random = { next: () => this.#random.next() };

  // -- Storage and start-up --
  /** One fsync of the txn log. */
  readonly fsynctime: Summary = this.#summary("fsynctime");
  /** The writing of one snapshot. */
  readonly snapshottime: Summary = this.#summary("snapshottime");
  /** Snapshots asked of the AdminServer. */
  readonly snapshotErrorCount: Counter = this.#counter("snapshot_error_count");
  readonly snapshotRateLimitedCount: Counter = this.#counter("snapshot_rate_limited_count");
  /** Restores asked of the AdminServer. */
  readonly restoreTime: Summary = this.#summary("restore_time");
  readonly restoreErrorCount: Counter = this.#counter("restore_error_count");
  readonly restoreRateLimitedCount: Counter = this.#counter("restore_rate_limited_count");
  /** Load of snapshot and logs at start. */
  readonly dbinittime: Summary = this.#summary("dbinittime");
  /** How many txns were replayed. */
  readonly startupTxnsLoaded: Summary = this.#summary("startup_txns_loaded");
  readonly startupTxnsLoadTime: Summary = this.#summary("startup_txns_load_time");
  readonly startupSnapLoadTime: Summary = this.#summary("startup_snap_load_time");
  /** Tree digest differs from the txn's: alarm at once. */
  readonly digestMismatchesCount: Counter = this.#counter("digest_mismatches_count");
  /** A part that the server cannot do without died. */
  readonly unrecoverableErrorCount: Counter = this.#counter("unrecoverable_error_count");

  // -- Latency of requests --
  /** From the creation of a request here to its answer, for everything without a txn: reads, pings. */
  readonly readlatency: AdvancedSummary = this.#advancedSummary("readlatency");
  /** The same, for requests with a txn that came in through this member. */
  readonly updatelatency: AdvancedSummary = this.#advancedSummary("updatelatency");
  /** From the txn's time (the leader's wall clock) to its application here; clock skew shows. */
  readonly propagationLatency: AdvancedSummary = this.#advancedSummary("propagation_latency");
  /** Bytes written (path length and data), keyed by the first component of the path. */
  readonly writePerNamespace: SummarySet = this.#summarySet("write_per_namespace");
  /** Bytes read, likewise. */
  readonly readPerNamespace: SummarySet = this.#summarySet("read_per_namespace");
  /** Bytes read from clients. */
  readonly bytesReceivedCount: Counter = this.#counter("bytes_received_count");
  /** Bytes written to clients as replies. */
  readonly responseBytes: Counter = this.#counter("response_bytes");
  /** Bytes written to clients as watch events. */
  readonly watchBytes: Counter = this.#counter("watch_bytes");
  /** Pauses of the event loop seen by the pause monitor, when that is on. */
  readonly jvmPauseTimeMs: AdvancedSummary = this.#advancedSummary("jvm_pause_time_ms");

  // -- Election, sync, quorum --
  /** From LOOKING to leading or following. */
  readonly electionTime: Summary = this.#summary("election_time");
  /** Entries into LOOKING. */
  readonly lookingCount: Counter = this.#counter("looking_count");
  /** From losing BROADCAST to having it again. */
  readonly unavailableTime: Summary = this.#summary("unavailable_time");
  /** The same, on the member that leads afterwards. */
  readonly leaderUnavailableTime: Summary = this.#summary("leader_unavailable_time");
  /** Learner: from connecting to synced. */
  readonly followerSyncTime: Summary = this.#summary("follower_sync_time");
  readonly observerSyncTime: Summary = this.#summary("observer_sync_time");
  /** Leader: learners synced without a snapshot (DIFF or TRUNC). */
  readonly diffCount: Counter = this.#counter("diff_count");
  /** Leader: learners synced by SNAP. Not snapshots taken. */
  readonly snapCount: Counter = this.#counter("snap_count");
  /** Syncs in progress, sampled at each. */
  readonly inflightSnapCount: Summary = this.#summary("inflight_snap_count");
  readonly inflightDiffCount: Summary = this.#summary("inflight_diff_count");
  /** Leader: commits sent. */
  readonly commitCount: Counter = this.#counter("commit_count");
  /** Leader: proposals made. */
  readonly proposalCount: Counter = this.#counter("proposal_count");
  /** Leader: txn time to quorum of acks. */
  readonly quorumAckLatency: AdvancedSummary = this.#advancedSummary("quorum_ack_latency");
  /** Leader, key = server id, sampled every ackLoggingFrequency. */
  readonly ackLatency: AdvancedSummarySet = this.#advancedSummarySet("ack_latency");
  /** Learner: txn time to receipt of the proposal. */
  readonly proposalLatency: AdvancedSummary = this.#advancedSummary("proposal_latency");
  /** Txn time to the local ack. */
  readonly proposalAckCreationLatency: AdvancedSummary = this.#advancedSummary("proposal_ack_creation_latency");
  /** Learner: txn time to receipt of COMMIT. Txn time is by the leader's clock; negative results are dropped. */
  readonly commitPropagationLatency: AdvancedSummary = this.#advancedSummary("commit_propagation_latency");
  readonly learnerProposalReceivedCount: Counter = this.#counter("learner_proposal_received_count");
  readonly learnerCommitReceivedCount: Counter = this.#counter("learner_commit_received_count");
  /** Leader, key = sid: packets queued to a learner. */
  readonly learnerHandlerQpSize: SummarySet = this.#summarySet("learner_handler_qp_size");
  /** Leader, key = sid: time a packet waited. */
  readonly learnerHandlerQpTimeMs: AdvancedSummarySet = this.#advancedSummarySet("learner_handler_qp_time_ms");
  readonly learnerRequestProcessorQueueSize: Summary = this.#summary("learner_request_processor_queue_size");
  /** Observer master: time to hand a proposal on. */
  readonly omProposalProcessTimeMs: AdvancedSummary = this.#advancedSummary("om_proposal_process_time_ms");
  /** Observer master: time to hand a commit on. */
  readonly omCommitProcessTimeMs: AdvancedSummary = this.#advancedSummary("om_commit_process_time_ms");
  readonly quitLeadingDueToDisloyalVoter: Counter = this.#counter("quit_leading_due_to_disloyal_voter");
  /** The closing of a quorum socket. */
  readonly socketClosingTime: Summary = this.#summary("socket_closing_time");
  readonly skipLearnerRequestToNextProcessorCount: Counter = this.#counter(
    "skip_learner_request_to_next_processor_count",
  );
  readonly requestsNotForwardedToCommitProcessor: Counter = this.#counter("requests_not_forwarded_to_commit_processor");

  // -- Connections and sessions --
  /** Connect requests, new or renewed. */
  readonly connectionRequestCount: Counter = this.#counter("connection_request_count");
  /** Refused: per-address or total limit, throttle. */
  readonly connectionRejected: Counter = this.#counter("connection_rejected");
  /** The client's end vanished, after a clean closeSession too. Not raised when the server closes. */
  readonly connectionDropCount: Counter = this.#counter("connection_drop_count");
  /** Tokens that were missing, at each connect. */
  readonly connectionTokenDeficit: Summary = this.#summary("connection_token_deficit");
  /** Connect requests that carried an existing session id (reconnects), on the member that got them. */
  readonly connectionRevalidateCount: Counter = this.#counter("connection_revalidate_count");
  /** Leader: REVALIDATE packets received from learners. */
  readonly revalidateCount: Counter = this.#counter("revalidate_count");
  readonly sessionlessConnectionsExpired: Counter = this.#counter("sessionless_connections_expired");
  /** Sessions that timed out. */
  readonly staleSessionsExpired: Counter = this.#counter("stale_sessions_expired");
  /** TLS connects dropped by earlyDropSecureConnectionHandshakes. */
  readonly cnxnClosedWithoutZkServerRunning: Counter = this.#counter("cnxn_closed_without_zk_server_running");
  /** TLS handshakes that failed. */
  readonly unsuccessfulHandshake: Counter = this.#counter("unsuccessful_handshake");
  /** TLS handshakes refused by their limit. */
  readonly tlsHandshakeExceeded: Counter = this.#counter("tls_handshake_exceeded");
  /** Plain HTTP on the unified admin port. */
  readonly insecureAdminCount: Counter = this.#counter("insecure_admin_count");
  readonly ensembleAuthSuccess: Counter = this.#counter("ensemble_auth_success");
  readonly ensembleAuthFail: Counter = this.#counter("ensemble_auth_fail");
  readonly ensembleAuthSkip: Counter = this.#counter("ensemble_auth_skip");
  /** Bytes; there is no Netty here, so it stays at zero. */
  readonly nettyQueuedBufferCapacity: Summary = this.#summary("netty_queued_buffer_capacity");

  // -- Watches --
  /** Watchers notified per event. */
  readonly nodeCreatedWatchCount: Summary = this.#summary("node_created_watch_count");
  readonly nodeDeletedWatchCount: Summary = this.#summary("node_deleted_watch_count");
  readonly nodeChangedWatchCount: Summary = this.#summary("node_changed_watch_count");
  readonly nodeChildrenWatchCount: Summary = this.#summary("node_children_watch_count");
  /** Of the optimised watch manager, which this server has not: stays at zero. */
  readonly addDeadWatcherStallTime: Counter = this.#counter("add_dead_watcher_stall_time");
  readonly deadWatchersQueued: Counter = this.#counter("dead_watchers_queued");
  readonly deadWatchersCleared: Counter = this.#counter("dead_watchers_cleared");
  readonly deadWatchersCleanerLatency: AdvancedSummary = this.#advancedSummary("dead_watchers_cleaner_latency");

  // -- Pipeline queues --
  readonly prepProcessorQueueTimeMs: AdvancedSummary = this.#advancedSummary("prep_processor_queue_time_ms");
  readonly prepProcessorQueueSize: Summary = this.#summary("prep_processor_queue_size");
  readonly prepProcessorRequestQueued: Counter = this.#counter("prep_processor_request_queued");
  readonly outstandingChangesQueued: Counter = this.#counter("outstanding_changes_queued");
  readonly outstandingChangesRemoved: Counter = this.#counter("outstanding_changes_removed");
  readonly prepProcessTime: Summary = this.#summary("prep_process_time");
  readonly proposalProcessTime: Summary = this.#summary("proposal_process_time");
  readonly closeSessionPrepTime: AdvancedSummary = this.#advancedSummary("close_session_prep_time");
  readonly syncProcessorQueueAndFlushTimeMs: AdvancedSummary = this.#advancedSummary(
    "sync_processor_queue_and_flush_time_ms",
  );
  readonly syncProcessorQueueTimeMs: AdvancedSummary = this.#advancedSummary("sync_processor_queue_time_ms");
  readonly syncProcessorQueueFlushTimeMs: AdvancedSummary = this.#advancedSummary("sync_processor_queue_flush_time_ms");
  readonly syncProcessorQueueSize: Summary = this.#summary("sync_processor_queue_size");
  readonly syncProcessorRequestQueued: Counter = this.#counter("sync_processor_request_queued");
  readonly syncProcessTime: Summary = this.#summary("sync_process_time");
  /** Txns per flush. */
  readonly syncProcessorBatchSize: Summary = this.#summary("sync_processor_batch_size");
  /** Requests of one session that wait. */
  readonly requestsInSessionQueue: Summary = this.#summary("requests_in_session_queue");
  /** Sessions that have requests waiting. */
  readonly pendingSessionQueueSize: Summary = this.#summary("pending_session_queue_size");
  readonly readsAfterWriteInSessionQueue: Summary = this.#summary("reads_after_write_in_session_queue");
  readonly readsIssuedFromSessionQueue: Summary = this.#summary("reads_issued_from_session_queue");
  readonly sessionQueuesDrained: Summary = this.#summary("session_queues_drained");
  readonly timeWaitingEmptyPoolInCommitProcessorReadMs: Summary = this.#summary(
    "time_waiting_empty_pool_in_commit_processor_read_ms",
  );
  readonly writeBatchTimeInCommitProcessor: Summary = this.#summary("write_batch_time_in_commit_processor");
  readonly commitProcessTime: Summary = this.#summary("commit_process_time");
  readonly concurrentRequestProcessingInCommitProcessor: Summary = this.#summary(
    "concurrent_request_processing_in_commit_processor",
  );
  readonly readCommitProcReqQueued: Summary = this.#summary("read_commit_proc_req_queued");
  readonly writeCommitProcReqQueued: Summary = this.#summary("write_commit_proc_req_queued");
  readonly commitCommitProcReqQueued: Summary = this.#summary("commit_commit_proc_req_queued");
  readonly readCommitProcIssued: Summary = this.#summary("read_commit_proc_issued");
  readonly writeCommitProcIssued: Summary = this.#summary("write_commit_proc_issued");
  readonly requestCommitQueued: Counter = this.#counter("request_commit_queued");
  readonly readCommitprocTimeMs: AdvancedSummary = this.#advancedSummary("read_commitproc_time_ms");
  readonly writeCommitprocTimeMs: AdvancedSummary = this.#advancedSummary("write_commitproc_time_ms");
  readonly localWriteCommittedTimeMs: AdvancedSummary = this.#advancedSummary("local_write_committed_time_ms");
  readonly serverWriteCommittedTimeMs: AdvancedSummary = this.#advancedSummary("server_write_committed_time_ms");
  readonly readFinalProcTimeMs: AdvancedSummary = this.#advancedSummary("read_final_proc_time_ms");
  readonly writeFinalProcTimeMs: AdvancedSummary = this.#advancedSummary("write_final_proc_time_ms");

  // -- Limits and caches --
  /** Answered with THROTTLEDOP. */
  readonly throttledOps: Counter = this.#counter("throttled_ops");
  readonly staleRequests: Counter = this.#counter("stale_requests");
  readonly staleRequestsDropped: Counter = this.#counter("stale_requests_dropped");
  readonly staleReplies: Counter = this.#counter("stale_replies");
  readonly requestThrottleQueueTimeMs: AdvancedSummary = this.#advancedSummary("request_throttle_queue_time_ms");
  /** Times the throttler had to wait. */
  readonly requestThrottleWaitCount: Counter = this.#counter("request_throttle_wait_count");
  readonly largeRequestsRejected: Counter = this.#counter("large_requests_rejected");
  /** The cache of getData replies. */
  readonly responsePacketCacheHits: Counter = this.#counter("response_packet_cache_hits");
  readonly responsePacketCacheMisses: Counter = this.#counter("response_packet_cache_misses");
  readonly responsePacketGetChildrenCacheHits: Counter = this.#counter("response_packet_get_children_cache_hits");
  readonly responsePacketGetChildrenCacheMisses: Counter = this.#counter("response_packet_get_children_cache_misses");
  /** Hard quota refusals. */
  readonly quotaExceededErrorPerNamespace: CounterSet = this.#counterSet("quota_exceeded_error_per_namespace");

  constructor(random: Random) {
    this.#random = random;
    this.#metrics.sort(compareMetrics);
  }

  /** Every metric: counters, counter sets, summaries, advanced summaries and their sets, each sorted by name. */
  all(): readonly Metric[] {
    return this.#metrics;
  }

  /** Back to zero, as after a start. Keys of sets stay. */
  reset(): void {
    for (const metric of this.#metrics) metric.reset();
  }

  #counter(name: string): Counter {
    return this.#keep(new Counter(name));
  }
  #counterSet(name: string): CounterSet {
    return this.#keep(newCounterSet(name));
  }
  #summary(name: string): Summary {
    return this.#keep(new Summary(name));
  }
  #advancedSummary(name: string): AdvancedSummary {
    return this.#keep(new AdvancedSummary(name, this.#dice));
  }
  #summarySet(name: string): SummarySet {
    return this.#keep(newSummarySet(name));
  }
  #advancedSummarySet(name: string): AdvancedSummarySet {
    return this.#keep(newAdvancedSummarySet(name, this.#dice));
  }

  #keep<Kind extends Metric>(metric: Kind): Kind {
    this.#metrics.push(metric);
    return metric;
  }
}

function compareMetrics(a: Metric, b: Metric): number {
  if (a.kind !== b.kind) return kindsInOrder.indexOf(a.kind) - kindsInOrder.indexOf(b.kind);
  return a.name < b.name ? -1 : 1;
}
