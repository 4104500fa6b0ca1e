/**
 * The values that `mntr` prints and the AdminServer's `monitor` returns: text about the server, gauges read off it, and
 * the metrics it has counted.
 *
 *   version, server_state            text; in an ensemble peer_state, on an observer observer_master_id
 *   gauges                           by name; those of a role exist with the role
 *   gauge sets                       KEY_NAME
 *   counters, summaries and sets     in the order of ServerMetrics.all
 *
 * Inside a group ZooKeeper's order is that of a hash map, so nobody can rely on it; ours is sorted.
 * A number is a Java long (printed plain) or a double (`0.0`). Source: MonitorCommand, ZooKeeperServer.registerMetrics
 * and those of LeaderZooKeeperServer, FollowerZooKeeperServer, QuorumZooKeeperServer.
 */

import type { MetricSample } from "#base/metric-kinds.ts";
import { javaDouble } from "#base/metric-number.ts";
import { fullVersion } from "#base/version.ts";
import type { LeaderFacts, PeerFacts, ServingFacts } from "#server/server-facts.ts";

/** One value; text, or a number with what tells its two spellings apart. */
type MonitorValue = { readonly name: string; readonly text: string } | MetricSample;

/** The lines of `mntr`: `zk_NAME TAB VALUE`. */
export function* monitorLines(serving: ServingFacts): Generator<string, void, undefined> {
  for (const value of monitorValues(serving)) {
    const text = "text" in value ? value.text : numberText(value);
    yield `zk_${value.name}\t${text}\n`;
  }
}

/** All values of a serving member, in the order above. */
export function* monitorValues(serving: ServingFacts): Generator<MonitorValue, void, undefined> {
  yield { name: "version", text: fullVersion };
  yield { name: "server_state", text: serving.mode };
  if (serving.peer !== null) yield { name: "peer_state", text: serving.peer.state };
  const observerMasterId = serving.peer?.observerMasterId ?? null;
  if (observerMasterId !== null) yield { name: "observer_master_id", text: String(observerMasterId) };
  yield* gauges(serving);
  for (const metric of serving.metrics.all()) yield* metric.samples();
}

/** The gauges of a serving member, then its gauge sets, each group sorted by name. */
export function gauges(serving: ServingFacts): MetricSample[] {
  const values = [...commonGauges(serving), ...(serving.peer === null ? [] : peerGauges(serving.peer))];
  return [...values.sort(compareNames), ...quotaGauges(serving).sort(compareNames)];
}

function numberText(sample: MetricSample): string {
  return sample.isDouble ? javaDouble(sample.value) : String(Math.trunc(sample.value));
}

function commonGauges(serving: ServingFacts): MetricSample[] {
  return [
    double("avg_latency", serving.latencyMs.average),
    double("connection_drop_probability", serving.connectionDropProbability),
    long("max_latency", serving.latencyMs.max),
    long("min_latency", serving.latencyMs.min),
    long("packets_received", serving.packetsReceived),
    long("packets_sent", serving.packetsSent),
    long("num_alive_connections", serving.connectionCount),
    long("outstanding_requests", serving.outstandingRequests),
    long("uptime", serving.uptimeMs),
    long("znode_count", serving.znodeCount),
    long("watch_count", serving.watchCount),
    long("ephemerals_count", serving.ephemeralsCount),
    long("approximate_data_size", serving.approximateDataSizeBytes),
    long("global_sessions", serving.globalSessionCount),
    long("local_sessions", serving.localSessionCount),
    long("open_file_descriptor_count", serving.openFileDescriptorCount),
    long("max_file_descriptor_count", serving.maxFileDescriptorCount),
    long("last_client_response_size", serving.clientResponseSizes.last),
    long("max_client_response_size", serving.clientResponseSizes.max),
    long("min_client_response_size", serving.clientResponseSizes.min),
    long("outstanding_tls_handshake", serving.outstandingTlsHandshakes),
    long("auth_failed_count", serving.authFailedCount),
    long("non_mtls_remote_conn_count", serving.nonMtlsRemoteConnectionCount),
    long("non_mtls_local_conn_count", serving.nonMtlsLocalConnectionCount),
  ];
}

function peerGauges(peer: PeerFacts): MetricSample[] {
  const values = [long("quorum_size", peer.quorumSize)];
  if (peer.syncedObservers !== null) values.push(long("synced_observers", peer.syncedObservers));
  if (peer.leader !== null) values.push(...leaderGauges(peer.leader));
  return values;
}

function leaderGauges(leader: LeaderFacts): MetricSample[] {
  return [
    long("learners", leader.learners),
    long("synced_followers", leader.syncedFollowers),
    long("synced_non_voting_followers", leader.syncedNonVotingFollowers),
    long("pending_syncs", leader.pendingSyncs),
    long("leader_uptime", leader.uptimeMs),
    long("last_proposal_size", leader.proposalSizes.last),
    long("max_proposal_size", leader.proposalSizes.max),
    long("min_proposal_size", leader.proposalSizes.min),
  ];
}

function quotaGauges(serving: ServingFacts): MetricSample[] {
  const values: MetricSample[] = [];
  for (const quota of serving.quotas) {
    values.push(
      long(`${quota.namespace}_quota_count_limit_per_namespace`, quota.countLimit),
      long(`${quota.namespace}_quota_bytes_limit_per_namespace`, quota.bytesLimit),
      long(`${quota.namespace}_quota_count_usage_per_namespace`, quota.countUsage),
      long(`${quota.namespace}_quota_bytes_usage_per_namespace`, quota.bytesUsage),
    );
  }
  return values;
}

function compareNames(a: MetricSample, b: MetricSample): number {
  return a.name < b.name ? -1 : 1;
}

function long(name: string, value: number): MetricSample {
  return { name, value, isDouble: false };
}

function double(name: string, value: number): MetricSample {
  return { name, value, isDouble: true };
}
