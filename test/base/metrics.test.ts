import { expect, test } from "vitest";
import {
  AdvancedSummary,
  BufferStats,
  Counter,
  metricKeysMax,
  newCounterSet,
  newSummarySet,
  Summary,
} from "#base/metric-kinds.ts";
import { ServerMetrics } from "#base/metrics.ts";
import { SeededRandom } from "#base/prng.ts";

/** Every metric of ZooKeeper 3.9.5 by kind, as its users know them. */
const namesByKind = {
  counter: `
    add_dead_watcher_stall_time bytes_received_count cnxn_closed_without_zk_server_running commit_count
    connection_drop_count connection_rejected connection_request_count connection_revalidate_count
    dead_watchers_cleared dead_watchers_queued diff_count digest_mismatches_count ensemble_auth_fail
    ensemble_auth_skip ensemble_auth_success insecure_admin_count large_requests_rejected
    learner_commit_received_count learner_proposal_received_count looking_count outstanding_changes_queued
    outstanding_changes_removed prep_processor_request_queued proposal_count quit_leading_due_to_disloyal_voter
    request_commit_queued request_throttle_wait_count requests_not_forwarded_to_commit_processor response_bytes
    response_packet_cache_hits response_packet_cache_misses response_packet_get_children_cache_hits
    response_packet_get_children_cache_misses restore_error_count restore_rate_limited_count revalidate_count
    sessionless_connections_expired skip_learner_request_to_next_processor_count snap_count snapshot_error_count
    snapshot_rate_limited_count stale_replies stale_requests stale_requests_dropped stale_sessions_expired
    sync_processor_request_queued throttled_ops tls_handshake_exceeded unrecoverable_error_count
    unsuccessful_handshake watch_bytes`,
  counterSet: `
    quota_exceeded_error_per_namespace`,
  summary: `
    commit_commit_proc_req_queued commit_process_time concurrent_request_processing_in_commit_processor
    connection_token_deficit dbinittime election_time follower_sync_time fsynctime inflight_diff_count
    inflight_snap_count leader_unavailable_time learner_request_processor_queue_size
    netty_queued_buffer_capacity node_changed_watch_count node_children_watch_count node_created_watch_count
    node_deleted_watch_count observer_sync_time pending_session_queue_size prep_process_time
    prep_processor_queue_size proposal_process_time read_commit_proc_issued read_commit_proc_req_queued
    reads_after_write_in_session_queue reads_issued_from_session_queue requests_in_session_queue restore_time
    session_queues_drained snapshottime socket_closing_time startup_snap_load_time startup_txns_load_time
    startup_txns_loaded sync_process_time sync_processor_batch_size sync_processor_queue_size
    time_waiting_empty_pool_in_commit_processor_read_ms unavailable_time write_batch_time_in_commit_processor
    write_commit_proc_issued write_commit_proc_req_queued`,
  advancedSummary: `
    close_session_prep_time commit_propagation_latency dead_watchers_cleaner_latency jvm_pause_time_ms
    local_write_committed_time_ms om_commit_process_time_ms om_proposal_process_time_ms
    prep_processor_queue_time_ms propagation_latency proposal_ack_creation_latency proposal_latency
    quorum_ack_latency read_commitproc_time_ms read_final_proc_time_ms readlatency
    request_throttle_queue_time_ms server_write_committed_time_ms sync_processor_queue_and_flush_time_ms
    sync_processor_queue_flush_time_ms sync_processor_queue_time_ms updatelatency write_commitproc_time_ms
    write_final_proc_time_ms`,
  summarySet: `
    learner_handler_qp_size read_per_namespace write_per_namespace`,
  advancedSummarySet: `
    ack_latency learner_handler_qp_time_ms`,
};

const metrics = (): ServerMetrics => new ServerMetrics(new SeededRandom(1));

test.each(Object.entries(namesByKind))("every %s of ZooKeeper 3.9.5 exists from the start", (kind, names) => {
  const found = metrics()
    .all()
    .filter((metric) => metric.kind === kind)
    .map((metric) => metric.name);
  expect(found).toEqual(names.trim().split(/\s+/));
});

test("a metric's field is its name in camelCase", () => {
  const server = metrics();
  const fields = new Map(Object.entries(server));
  expect(fields.size).toBe(server.all().length);
  for (const metric of server.all()) {
    const field = metric.name.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
    expect(fields.get(field)).toBe(metric);
  }
});

test("a metric that nobody fed is zero, and a set that nobody fed is empty", () => {
  for (const metric of metrics().all()) {
    if (metric.kind.endsWith("Set")) expect(metric.samples()).toEqual([]);
    else expect(metric.samples().every((sample) => sample.value === 0)).toBe(true);
  }
});

test("a reset brings every metric back to zero and keeps the keys of sets", () => {
  const server = metrics();
  server.commitCount.increment();
  server.fsynctime.add(7);
  server.readlatency.add(9);
  server.ackLatency.add("2", 3);
  server.readPerNamespace.add("app", 100);
  server.quotaExceededErrorPerNamespace.increment("app");
  server.reset();
  const samples = server.all().flatMap((metric) => metric.samples());
  expect(samples.filter((sample) => sample.value !== 0)).toEqual([]);
  expect(samples.map((sample) => sample.name)).toEqual(
    expect.arrayContaining([
      "app_quota_exceeded_error_per_namespace",
      "avg_app_read_per_namespace",
      "p999_2_ack_latency",
    ]),
  );
});

test("a counter counts one unless told how many", () => {
  const counter = new Counter("commit_count");
  counter.increment();
  counter.increment(41);
  expect(counter.samples()).toEqual([{ name: "commit_count", value: 42, isDouble: false }]);
});

const range = (count: number, valueOf: (index: number) => number): number[] =>
  Array.from({ length: count }, (_, index) => valueOf(index));

// avg min max cnt sum p50 p95 p99 p999, as AvgMinMaxPercentileCounter prints them on OpenJDK 17.
test.each([
  ["no value", [], [0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ["one value", [7], [7, 7, 7, 1, 7, 7, 7, 7, 7]],
  ["three values out of order", [3, 1, 2], [2, 1, 3, 3, 6, 2, 3, 3, 3]],
  ["two values", [10, 20], [15, 10, 20, 2, 30, 15, 20, 20, 20]],
  ["three zeros and a one", [0, 0, 0, 1], [0.25, 0, 1, 4, 1, 0, 1, 1, 1]],
  ["negative values", [-5, -3, -1], [-3, -5, -1, 3, -9, -3, -1, -1, -1]],
  ["1 to 100", range(100, (index) => index + 1), [50.5, 1, 100, 100, 5050, 51, 96, 100, 100]],
  ["a thousand", range(1000, (index) => (index * 7919) % 1009), [504.678, 0, 1008, 1000, 504678, 506, 959, 999, 1008]],
])("an advanced summary of %s has the numbers that a JVM gives", (_name, values, expected) => {
  const summary = new AdvancedSummary("x", new SeededRandom(1));
  for (const value of values) summary.add(value);
  expect(summary.samples().map((sample) => sample.value)).toEqual(expected);
});

test("an advanced summary names its lines, and only the average is a double", () => {
  const samples = new AdvancedSummary("x", new SeededRandom(1)).samples();
  expect(samples.map((sample) => sample.name)).toEqual([
    "avg_x",
    "min_x",
    "max_x",
    "cnt_x",
    "sum_x",
    "p50_x",
    "p95_x",
    "p99_x",
    "p999_x",
  ]);
  expect(samples.filter((sample) => sample.isDouble).map((sample) => sample.name)).toEqual(["avg_x"]);
});

test("a summary takes whole numbers: what is behind the point is dropped", () => {
  const summary = new Summary("x");
  summary.add(1.9);
  summary.add(0.4);
  expect([summary.min, summary.max, summary.count, summary.sum, summary.average]).toEqual([0, 1, 2, 1, 0.5]);
});

test("percentiles of a long run stay near the truth, late values included", () => {
  const summary = new AdvancedSummary("x", new SeededRandom(42));
  for (let value = 0; value < 200_000; value++) summary.add(value);
  const [p50 = 0, p99 = 0] = summary.percentiles([0.5, 0.99]);
  expect(Math.abs(p50 - 100_000)).toBeLessThan(6000);
  expect(Math.abs(p99 - 198_000)).toBeLessThan(2000);
});

test("every value has the same chance to be in the sample, wherever it came", () => {
  const tenths = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
  const runs = 40;
  const valuesMax = 50_000;
  const sums = tenths.map(() => 0);
  for (let seed = 1; seed <= runs; seed++) {
    const summary = new AdvancedSummary("x", new SeededRandom(seed));
    for (let value = 0; value < valuesMax; value++) summary.add(value);
    for (const [i, quantile] of summary.percentiles(tenths).entries()) sums[i]! += quantile;
  }
  // The deviation of one run's percentile is below 1 % of the values, that of the mean of forty below 0.13 %.
  for (const [i, tenth] of tenths.entries()) {
    expect(Math.abs(sums[i]! / runs / valuesMax - tenth), `of ${tenth}`).toBeLessThan(0.005);
  }
});

test("percentiles after a reset know only what came after it", () => {
  const summary = new AdvancedSummary("x", new SeededRandom(1));
  for (let index = 0; index < 10_000; index++) summary.add(1000);
  summary.reset();
  summary.add(5);
  expect(summary.percentiles([0, 0.5, 1])).toEqual([5, 5, 5]);
});

function percentilesOfSeed(seed: number): number[] {
  const summary = new AdvancedSummary("x", new SeededRandom(seed));
  for (let value = 0; value < 20_000; value++) summary.add((value * 31) % 1013);
  return summary.percentiles([0.1, 0.5, 0.9]);
}

test("the same seed keeps the same samples, and another seed others", () => {
  expect(percentilesOfSeed(7)).toEqual(percentilesOfSeed(7));
  expect(percentilesOfSeed(7)).not.toEqual(percentilesOfSeed(8));
});

test("the members of a set print sorted by key, the key before the name", () => {
  const set = newSummarySet("read_per_namespace");
  set.add("zookeeper", 3);
  set.add("app", 4);
  set.add("app", 6);
  const averages = set.samples().filter((sample) => sample.isDouble);
  expect(averages).toEqual([
    { name: "avg_app_read_per_namespace", value: 5, isDouble: true },
    { name: "avg_zookeeper_read_per_namespace", value: 3, isDouble: true },
  ]);
});

test("a set that is full counts on for the keys it has and ignores new ones", () => {
  const set = newCounterSet("errors");
  for (let key = 0; key < metricKeysMax + 5; key++) set.increment(String(key));
  set.increment("0");
  expect(set.samples()).toHaveLength(metricKeysMax);
  expect(set.of("0")?.value).toBe(2);
  expect(set.of(String(metricKeysMax))).toBe(null);
});

test("buffer sizes are -1 until there is one, and again after a reset", () => {
  const stats = new BufferStats();
  const seen = (): number[] => [stats.last, stats.min, stats.max];
  expect(seen()).toEqual([-1, -1, -1]);
  for (const size of [48, 412, 32, 48]) stats.add(size);
  expect(seen()).toEqual([48, 32, 412]);
  stats.reset();
  expect(seen()).toEqual([-1, -1, -1]);
});
