/**
 * The settings that ZooKeeper reads as system properties. In zoo.cfg they stand without their `zookeeper.`, by the
 * parser's catch-all; those of `flagKeys` have no such prefix and can be given with -D only. Values are read leniently
 * (system-properties.ts). Source: the static initialisers of the classes that read them.
 */

import {
  ensembleOnly,
  honoured,
  type KeyRow,
  noEffect,
  reasons,
  refused,
  refuseTrue,
  refuseUnless,
} from "./key-row.ts";

const bool = "true or false";
const count = "a number";
const bytes = "bytes";
const ms = "milliseconds";
const { alwaysSynced, allAddresses, noTls, oneEventLoop } = reasons;
const noQueues = "internal queues are built differently";
const oneWatchManager = "there is one implementation of watches, which needs no cleaning";
const streamsPushBack = "the network layer brings its own back-pressure";
const neverBlocks = "sending and closing never block";
const alwaysNoDelay = "TCP_NODELAY is always set";
const noTlsPort = "there is no TLS port";
const noJmx = "there is no JMX; use the four-letter word mntr";
const logsToStdout = "the log goes to standard output; see --log-level and --log-format";
const noAdminServer = "the AdminServer is not part of this version yet";
const noAudit = "the audit log is not part of this version yet: nothing is audited";
const javaTests = "it is a hook of ZooKeeper's own tests";
const notInstantiated = (name: string): string => `Couldn't instantiate ${name}`;

const pipelineAndStorage: readonly KeyRow[] = [
  honoured("globalOutstandingLimit", "a number of requests"),
  honoured("preAllocSize", "kilobytes"),
  honoured("snapCount", "a number of transactions, 2 or more"),
  honoured("snapSizeLimitInKb", "kilobytes; 0 or less is off"),
  honoured("txnLogSizeLimitInKb", "kilobytes; 0 or less is off"),
  ensembleOnly("commitLogCount", "a number of transactions, 500 or more"),
  ensembleOnly("snapshotSizeFactor", "a number up to 1; 0 is no limit, less is off"),
  honoured("forceSync", "yes or no"),
  honoured("fsync.warningthresholdms", ms),
  honoured("flushDelay", ms),
  honoured("maxWriteQueuePollTime", ms),
  honoured("maxBatchSize", "a number of transactions"),
  honoured("snapshot.compression.method", "gz, snappy or nothing"),
  honoured("snapshot.trust.empty", bool),
  honoured("datadir.autocreate", bool),
  honoured("db.autocreate", bool),
  honoured("digest.enabled", bool),
  honoured("serializeLastProcessedZxid.enabled", bool),
  honoured("closeSessionTxn.enabled", bool),
  honoured("extendedTypesEnabled", bool),
  honoured("emulate353TTLNodes", bool),
  honoured("largeRequestThreshold", `${bytes}; -1 is off`),
  honoured("largeRequestMaxBytes", bytes),
  noEffect("intBufferStartingSizeBytes", "buffers are sized as they are needed"),
  noEffect("maxResponseCacheSize", "a reply is made faster than it is looked up"),
  noEffect("maxGetChildrenResponseCacheSize", "a reply is made faster than it is looked up"),
  honoured("jute.maxbuffer.extrasize", bytes),
  honoured("enforceQuota", bool),
  honoured("skipACL", "yes or no"),
  ensembleOnly("enableEagerACLCheck", bool, "the leader alone judges writes"),
  honoured("throttled_op_wait_time", `${ms}; 0 is off`),
  noEffect("testingonly.*", javaTests),
  noEffect("test.*", javaTests),
];

const connections: readonly KeyRow[] = [
  noEffect(
    "serverCnxnFactory",
    "there is one network layer",
    refuseUnless(
      ["org.apache.zookeeper.server.NIOServerCnxnFactory", "org.apache.zookeeper.server.NettyServerCnxnFactory"],
      notInstantiated,
    ),
  ),
  honoured("maxCnxns", "a number of connections; 0 is unlimited"),
  honoured("nio.sessionlessCnxnTimeout", ms),
  noEffect("nio.numSelectorThreads", oneEventLoop),
  noEffect("nio.numWorkerThreads", oneEventLoop),
  noEffect("nio.directBufferBytes", "buffers are sized as they are needed"),
  noEffect("nio.shutdownTimeout", oneEventLoop),
  honoured("clientTcpKeepAlive", bool),
  honoured("client.portUnification", "false", refuseTrue(noTls)),
  noEffect("client.certReload", noTlsPort),
  noEffect("netty.server.outstandingHandshake.limit", noTlsPort),
  noEffect("netty.server.earlyDropSecureConnectionHandshakes", noTlsPort),
  noEffect("netty.advancedFlowControl.enabled", streamsPushBack),
  honoured("connection_throttle_tokens", "a number of connections; 0 is off"),
  honoured("connection_throttle_fill_time", ms),
  honoured("connection_throttle_fill_count", count),
  honoured("connection_throttle_freeze_time", `${ms}; -1 is off`),
  honoured("connection_throttle_drop_increase", "a probability"),
  honoured("connection_throttle_drop_decrease", "a probability"),
  honoured("connection_throttle_decrease_ratio", "a share of the tokens"),
  honoured("connection_throttle_weight_enabled", bool),
  honoured("connection_throttle_global_session_weight", "a number, 1 or more"),
  honoured("connection_throttle_local_session_weight", "a number, 1 or more"),
  honoured("connection_throttle_renew_session_weight", "a number, 1 or more"),
  honoured("request_throttle_max_requests", "a number of requests; 0 is off"),
  honoured("request_throttle_stall_time", ms),
  honoured("request_throttle_drop_stale", bool),
  honoured("request_stale_connection_check", bool),
  honoured("request_stale_latency_check", bool),
  honoured("request_throttler.shutdownTimeout", ms),
  honoured("4lw.commands.whitelist", "four-letter words joined by commas, or *"),
  noEffect("admin.enableServer", noAdminServer),
  honoured("admin.portUnification", "false", refuseTrue(noTls)),
  honoured("admin.forceHttps", "false", refuseTrue(noTls)),
  noEffect("admin.httpVersion", "HTTP 1.1 is the only version"),
  noEffect("admin.*", noAdminServer),
  noEffect("audit.enable", noAudit),
  noEffect("audit.impl.class", noAudit, refuseUnless(["org.apache.zookeeper.audit.Slf4jAuditLogger"], notInstantiated)),
];

const quorum: readonly KeyRow[] = [
  ensembleOnly("leaderServes", "yes or no"),
  ensembleOnly("leader.maxConcurrentSnapSyncs", count),
  ensembleOnly("leader.maxConcurrentDiffSyncs", count),
  ensembleOnly("leader.maxTimeToWaitForEpoch", `${ms}; -1 is initLimit`),
  ensembleOnly("leader.ackLoggingFrequency", count, "acknowledgements are not logged"),
  noEffect("leader.closeSocketAsync", neverBlocks),
  noEffect("learner.closeSocketAsync", neverBlocks),
  noEffect("learner.asyncSending", neverBlocks),
  ensembleOnly("leaderConnectDelayDuringRetryMs", ms),
  ensembleOnly("cnxTimeout", ms),
  ensembleOnly("tcpKeepAlive", bool),
  ensembleOnly("electionPortBindRetry", "a number of tries; 0 is for ever"),
  ensembleOnly("quorumCnxnTimeoutMs", `${ms}; -1 is syncLimit`),
  ensembleOnly("fastleader.minNotificationInterval", ms),
  ensembleOnly("fastleader.maxNotificationInterval", ms),
  ensembleOnly(
    "observerMaster.sizeLimit",
    bytes,
    "observers are sent what is kept for any learner: see commitLogCount",
  ),
  ensembleOnly("observer.reconnectDelayMs", ms),
  ensembleOnly("observer.election.DelayMs", ms),
  ensembleOnly("observer.syncEnabled", bool, alwaysSynced),
  noEffect("follower.skipLearnerRequestToNextProcessor", noQueues),
  noEffect("forward_learner_requests_to_commit_processor_disabled", noQueues),
  ensembleOnly("forceSnapshotSync", bool),
  ensembleOnly("testingonly.initialZxid", "where the counter of each epoch begins; for tests of its end"),
  noEffect("messageTracker.*", "recent packets are not kept for dumps"),
  noEffect("commitProcessor.*", oneEventLoop),
  ensembleOnly("multiAddress.enabled", bool),
  ensembleOnly("multiAddress.*", "see the keys of the same names in zoo.cfg", allAddresses),
];

const watchesAndDiagnostics: readonly KeyRow[] = [
  noEffect("watchManagerName", oneWatchManager),
  noEffect("watcherCleanThreshold", oneWatchManager),
  noEffect("watcherCleanIntervalInSeconds", oneWatchManager),
  noEffect("watcherCleanThreadsNum", oneWatchManager),
  noEffect("maxInProcessingDeadWatchers", oneWatchManager),
  noEffect("bitHashCacheSize", oneWatchManager),
  noEffect("pathStats.*", "the busiest paths are not logged"),
  noEffect("jmx.*", noJmx),
  noEffect("log.*", logsToStdout),
  noEffect("console.threshold", logsToStdout),
  noEffect("root.logger", logsToStdout),
  noEffect("tracelog.*", logsToStdout),
  noEffect("auditlog.*", noAudit),
  noEffect("controllerPort", "Java's fault-injection controller does not exist here"),
];

/** Keys of zoo.cfg that become `zookeeper.KEY`, in the order of their themes. */
export const propertyKeys: readonly KeyRow[] = [
  ...pipelineAndStorage,
  ...connections,
  ...quorum,
  ...watchesAndDiagnostics,
];

/** Properties by their whole names, for -D only. */
export const flagKeys: readonly KeyRow[] = [
  honoured("jute.maxbuffer", bytes),
  honoured("fsync.warningthresholdms", ms),
  honoured("readonlymode.enabled", bool),
  honoured("znode.container.checkIntervalMs", ms),
  honoured("znode.container.maxPerMinute", "a number of znodes"),
  honoured("znode.container.maxNeverUsedIntervalMs", `${ms}; 0 is off`),
  ensembleOnly("leader.nodelay", bool, alwaysNoDelay),
  ensembleOnly("follower.nodelay", bool, alwaysNoDelay),
  noEffect("leader.closeSocketAsync", neverBlocks),
  noEffect("learner.closeSocketAsync", neverBlocks),
  noEffect("learner.asyncSending", neverBlocks),
  refused(
    "java.security.auth.login.config",
    "SASL is not supported yet, and a server that was asked for it must not start without it; remove the flag",
  ),
  noEffect("java.security.krb5.conf", "Kerberos is not supported yet"),
  noEffect("com.sun.management.*", noJmx),
  noEffect("logback.configurationFile", logsToStdout),
  noEffect("log4j.configuration", logsToStdout),
];
