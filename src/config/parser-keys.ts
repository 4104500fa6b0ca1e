/**
 * The keys that ZooKeeper's parser itself knows. Their values are read strictly: a boolean is true or false, an
 * integer is decimal, and anything else refuses to start. Source: QuorumPeerConfig.parseProperties.
 */

import { ensembleOnly, honoured, type KeyRow, noEffect, reasons, refused, refuseUnless } from "./key-row.ts";

const bool = "true or false";
const ms = "milliseconds";
const port = "a port, 0 to 65535; 0 lets the system choose";
const { alwaysSynced, allAddresses, noTls, oneEventLoop } = reasons;
const noPauseMonitor = "the pause monitor is not part of this version yet";
const noPrometheus = "the Prometheus endpoint is not part of this version yet";

const metricsProviders = [
  "org.apache.zookeeper.metrics.impl.DefaultMetricsProvider",
  "org.apache.zookeeper.metrics.impl.NullMetricsProvider",
  "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider",
] as const;

export const parserKeys: readonly KeyRow[] = [
  honoured("dataDir", "a folder, for snapshots and myid"),
  honoured("dataLogDir", "a folder, for transaction logs"),
  honoured("clientPort", port),
  honoured("clientPortAddress", "a host name or address of this machine"),
  refused("secureClientPort", noTls),
  refused("secureClientPortAddress", noTls),
  ensembleOnly("observerMasterPort", "a port; 0 is off"),
  honoured("clientPortListenBacklog", "a number of connections; -1 leaves it to the system"),
  honoured("tickTime", `${ms}, not 0`),
  honoured("maxClientCnxns", "a number of connections per remote address; 0 is unlimited"),
  honoured("minSessionTimeout", `${ms}; -1 is 2 ticks`),
  honoured("maxSessionTimeout", `${ms}; -1 is 20 ticks`),
  ensembleOnly("initLimit", "a number of ticks, not 0"),
  ensembleOnly("syncLimit", "a number of ticks, not 0"),
  ensembleOnly("connectToLearnerMasterLimit", "a number of ticks; 0 is initLimit"),
  ensembleOnly("electionAlg", "3"),
  ensembleOnly("quorumListenOnAllIPs", bool),
  ensembleOnly("peerType", "participant or observer"),
  ensembleOnly("syncEnabled", bool, alwaysSynced),
  honoured("dynamicConfigFile", "the path of a file with the server lines"),
  honoured("autopurge.snapRetainCount", "a number of snapshots, 3 or more"),
  honoured("autopurge.purgeInterval", "hours; 0 is off"),
  honoured("standaloneEnabled", bool),
  honoured("reconfigEnabled", bool),
  ensembleOnly("sslQuorum", bool),
  ensembleOnly("portUnification", bool),
  ensembleOnly("sslQuorumReloadCertFiles", bool),
  ensembleOnly("localSessionsEnabled", bool),
  ensembleOnly("localSessionsUpgradingEnabled", bool),
  ensembleOnly("quorum.auth.enableSasl", bool),
  ensembleOnly("quorum.auth.serverRequireSasl", bool),
  ensembleOnly("quorum.auth.learnerRequireSasl", bool),
  ensembleOnly("quorum.auth.learner.saslLoginContext", "the name of a JAAS section"),
  ensembleOnly("quorum.auth.server.saslLoginContext", "the name of a JAAS section"),
  ensembleOnly("quorum.auth.kerberos.servicePrincipal", "a principal, service/host"),
  ensembleOnly("quorum.cnxn.threads.size", "a number", oneEventLoop),
  noEffect("jvm.pause.monitor", noPauseMonitor),
  noEffect("jvm.pause.info-threshold.ms", noPauseMonitor),
  noEffect("jvm.pause.warn-threshold.ms", noPauseMonitor),
  noEffect("jvm.pause.sleep.time.ms", noPauseMonitor),
  noEffect(
    "metricsProvider.className",
    noPrometheus,
    refuseUnless(metricsProviders, () => "metrics provider class was not found"),
  ),
  noEffect("metricsProvider.numWorkerThreads", "there are no threads to number"),
  noEffect("metricsProvider.maxQueueSize", "metrics are not queued"),
  noEffect("metricsProvider.workerShutdownTimeoutMs", "there are no threads to stop"),
  noEffect("metricsProvider.*", noPrometheus),
  ensembleOnly("multiAddress.enabled", bool),
  ensembleOnly("multiAddress.reachabilityCheckEnabled", bool, allAddresses),
  ensembleOnly("multiAddress.reachabilityCheckTimeoutMs", ms, allAddresses),
  ensembleOnly("oraclePath", "a file that begins with 1 where this one of two voters may go on alone"),
  honoured("server.*", "host:port:port[:participant|observer][;[host:]port]"),
  ensembleOnly("group*", "server ids, joined by colons"),
  ensembleOnly("weight*", "a number"),
];
