import { describe, expect, it } from "vitest";
import type { ConfigNote } from "#config/notes.ts";
import { type PropertySettings, readPropertySettings } from "#config/property-settings.ts";
import { isSecret, SystemProperties } from "#config/system-properties.ts";

function read(...flags: [name: string, value: string][]): { settings: PropertySettings; notes: string[] } {
  const notes: ConfigNote[] = [];
  const settings = readPropertySettings(new SystemProperties(new Map(flags), notes), "zoo.cfg");
  return { settings, notes: notes.map(({ level, text }) => `${level} ${text}`) };
}

/** Checks what one property does, without a note. */
function check(name: string, value: string, expected: object): void {
  const { settings, notes } = read([name, value]);
  expect(settings, name).toMatchObject(expected);
  expect(notes, name).toEqual([]);
}

/** Checks that a value is replaced, and what is said about it. */
function checkCorrected(name: string, value: string, expected: object, note: string): void {
  const { settings, notes } = read([name, value]);
  expect(settings, name).toMatchObject(expected);
  expect(notes).toEqual([`warn ${note}`]);
}

function schemes(list: string): [name: string, value: string] {
  return ["zookeeper.enforce.auth.schemes", list];
}

describe("settings from system properties", () => {
  it("have ZooKeeper's defaults", () => {
    expect(read()).toEqual({
      notes: [],
      settings: {
        snapCount: 100_000,
        preAllocSizeKb: 65_536,
        snapSizeLimitKb: 4_194_304,
        txnLogSizeLimitKb: 0,
        forceSync: true,
        fsyncWarningThresholdMs: 1000,
        flushDelayMs: 0,
        maxWriteQueuePollTimeMs: 0,
        maxBatchSize: 1000,
        snapshotCompression: "none",
        snapshotTrustEmpty: false,
        datadirAutocreate: true,
        dbAutocreate: true,
        digestEnabled: true,
        serializeLastProcessedZxid: true,
        closeSessionTxnEnabled: true,
        extendedTypesEnabled: false,
        emulate353TtlNodes: false,
        maxCnxns: 0,
        juteMaxBufferBytes: 0xfffff,
        juteMaxBufferExtraBytes: 0xfffff,
        enforceQuota: false,
        skipAcl: false,
        globalOutstandingLimit: 1000,
        requestThrottle: {
          maxRequests: 0,
          stallTimeMs: 100,
          dropStale: true,
          staleConnectionCheck: true,
          staleLatencyCheck: false,
          shutdownTimeoutMs: 10_000,
        },
        connectionThrottle: {
          tokens: 0,
          fillTimeMs: 1,
          fillCount: 1,
          freezeTimeMs: -1,
          dropIncrease: 0.02,
          dropDecrease: 0.002,
          decreaseRatio: 0,
          weightEnabled: false,
          globalSessionWeight: 3,
          localSessionWeight: 1,
          renewSessionWeight: 2,
        },
        throttledOpWaitTimeMs: 0,
        largeRequestThresholdBytes: -1,
        largeRequestMaxBytes: 104_857_600,
        sessionlessCnxnTimeoutMs: 10_000,
        clientTcpKeepAlive: false,
        readOnlyModeEnabled: false,
        fourLetterWordWhitelist: new Set(["srvr"]),
        container: { checkIntervalMs: 60_000, maxPerMinute: 10_000, maxNeverUsedIntervalMs: 0 },
        digestAuth: { enabled: true, algorithm: "SHA1", superDigest: null },
        authProviders: new Set(["ip", "digest"]),
        ensembleAuthNames: [],
        sessionRequireClientSaslAuth: false,
        enforceAuthSchemes: [],
      },
    });
  });

  it("are read under their names", () => {
    check("zookeeper.snapCount", "500", { snapCount: 500 });
    check("zookeeper.preAllocSize", "64", { preAllocSizeKb: 64 });
    check("zookeeper.snapSizeLimitInKb", "-1", { snapSizeLimitKb: 0 });
    check("zookeeper.txnLogSizeLimitInKb", "1024", { txnLogSizeLimitKb: 1024 });
    check("zookeeper.forceSync", "no", { forceSync: false });
    check("zookeeper.fsync.warningthresholdms", "20", { fsyncWarningThresholdMs: 20 });
    check("fsync.warningthresholdms", "30", { fsyncWarningThresholdMs: 30 });
    check("zookeeper.flushDelay", "10", { flushDelayMs: 10, maxWriteQueuePollTimeMs: 3 });
    check("zookeeper.maxWriteQueuePollTime", "5", { maxWriteQueuePollTimeMs: 5 });
    check("zookeeper.maxBatchSize", "7", { maxBatchSize: 7 });
    check("zookeeper.snapshot.compression.method", "GZ", { snapshotCompression: "gz" });
    check("zookeeper.snapshot.compression.method", "snappy", { snapshotCompression: "snappy" });
    check("zookeeper.snapshot.trust.empty", "true", { snapshotTrustEmpty: true });
    check("zookeeper.datadir.autocreate", "false", { datadirAutocreate: false });
    check("zookeeper.db.autocreate", "false", { dbAutocreate: false });
    check("zookeeper.digest.enabled", "false", { digestEnabled: false });
    check("zookeeper.serializeLastProcessedZxid.enabled", "false", { serializeLastProcessedZxid: false });
    check("zookeeper.closeSessionTxn.enabled", "false", { closeSessionTxnEnabled: false });
    check("zookeeper.extendedTypesEnabled", "TRUE", { extendedTypesEnabled: true });
    check("zookeeper.emulate353TTLNodes", "true", { emulate353TtlNodes: true });
    check("zookeeper.maxCnxns", "-1", { maxCnxns: 0 });
    check("jute.maxbuffer", "0x400000", { juteMaxBufferBytes: 4_194_304, juteMaxBufferExtraBytes: 4_194_304 });
    check("zookeeper.jute.maxbuffer.extrasize", "1", { juteMaxBufferExtraBytes: 1024 });
    check("zookeeper.enforceQuota", "true", { enforceQuota: true });
    check("zookeeper.skipACL", "yes", { skipAcl: true });
    check("zookeeper.globalOutstandingLimit", "5", { globalOutstandingLimit: 5 });
    check("zookeeper.throttled_op_wait_time", "9", { throttledOpWaitTimeMs: 9 });
    check("zookeeper.largeRequestThreshold", "100", { largeRequestThresholdBytes: 100 });
    check("zookeeper.largeRequestMaxBytes", "#ff", { largeRequestMaxBytes: 255 });
    check("zookeeper.nio.sessionlessCnxnTimeout", "1", { sessionlessCnxnTimeoutMs: 1 });
    check("zookeeper.clientTcpKeepAlive", "true", { clientTcpKeepAlive: true });
    check("znode.container.checkIntervalMs", "1", { container: { checkIntervalMs: 1 } });
    check("znode.container.maxPerMinute", "2", { container: { maxPerMinute: 2 } });
    check("znode.container.maxNeverUsedIntervalMs", "3", { container: { maxNeverUsedIntervalMs: 3 } });
    check("zookeeper.request_throttle_max_requests", "4", { requestThrottle: { maxRequests: 4 } });
    check("zookeeper.request_throttle_stall_time", "5", { requestThrottle: { stallTimeMs: 5 } });
    check("zookeeper.request_throttle_drop_stale", "false", { requestThrottle: { dropStale: false } });
    check("zookeeper.request_stale_connection_check", "false", { requestThrottle: { staleConnectionCheck: false } });
    check("zookeeper.request_stale_latency_check", "true", { requestThrottle: { staleLatencyCheck: true } });
    check("zookeeper.request_throttler.shutdownTimeout", "6", { requestThrottle: { shutdownTimeoutMs: 6 } });
    check("zookeeper.connection_throttle_fill_time", "7", { connectionThrottle: { fillTimeMs: 7 } });
    check("zookeeper.connection_throttle_freeze_time", "8", { connectionThrottle: { freezeTimeMs: 8 } });
    check("zookeeper.connection_throttle_drop_increase", "0.5", { connectionThrottle: { dropIncrease: 0.5 } });
    check("zookeeper.connection_throttle_drop_decrease", "1e-3", { connectionThrottle: { dropDecrease: 0.001 } });
    check("zookeeper.connection_throttle_decrease_ratio", ".25d", { connectionThrottle: { decreaseRatio: 0.25 } });
    check("zookeeper.ensembleAuthName", "a, b,,c", { ensembleAuthNames: ["a", "b", "c"] });
  });

  it("keep the default for what is not a number, and say so", () => {
    const numbers = "valid is a number: decimal, 0x hexadecimal, or octal with a leading 0";
    checkCorrected(
      "zookeeper.maxBatchSize",
      "1000 ",
      { maxBatchSize: 1000 },
      `zookeeper.maxBatchSize=1000  is not a number, so the default of 1000 holds; ${numbers}`,
    );
    checkCorrected(
      "zookeeper.flushDelay",
      "9223372036854775808",
      { flushDelayMs: 0 },
      `zookeeper.flushDelay=9223372036854775808 is not a number, so the default of 0 holds; ${numbers}`,
    );
    checkCorrected(
      "zookeeper.preAllocSize",
      "0x40",
      { preAllocSizeKb: 65_536 },
      "zookeeper.preAllocSize=0x40 is not a number, so the default of 65536 holds; valid is a decimal number",
    );
    checkCorrected(
      "zookeeper.connection_throttle_drop_increase",
      "a lot",
      { connectionThrottle: { dropIncrease: 0.02 } },
      "zookeeper.connection_throttle_drop_increase=a lot is not a number, so the default of 0.02 holds; " +
        "valid is a number such as 0.02",
    );
    const octal = "zookeeper.maxBatchSize=010 is octal and means 8, as in Java";
    checkCorrected("zookeeper.maxBatchSize", "010", { maxBatchSize: 8 }, octal);
  });

  it("take only their own words for yes, no and true, and say so", () => {
    const no = "zookeeper.skipACL=true means no: only yes switches it";
    checkCorrected("zookeeper.skipACL", "true", { skipAcl: false }, no);
    const yes = "zookeeper.forceSync=false means yes: only no switches it";
    checkCorrected("zookeeper.forceSync", "false", { forceSync: true }, yes);
    const truth = "zookeeper.digest.enabled=yes means false: only true, in any case, is true";
    checkCorrected("zookeeper.digest.enabled", "yes", { digestEnabled: false }, truth);
  });

  it("are corrected where ZooKeeper corrects them", () => {
    const snapCount = "SnapCount should be 2 or more. Now, snapCount is reset to 2";
    checkCorrected("zookeeper.snapCount", "1", { snapCount: 2 }, snapCount);
    const compression =
      "zookeeper.snapshot.compression.method=zstd means no compression; valid is gz, snappy or nothing";
    checkCorrected("zookeeper.snapshot.compression.method", "zstd", { snapshotCompression: "none" }, compression);
    const threshold = "Invalid large request threshold 0. It should be -1 or positive. Setting to -1 ";
    checkCorrected("zookeeper.largeRequestThreshold", "0", { largeRequestThresholdBytes: -1 }, threshold);
    checkCorrected(
      "zookeeper.largeRequestMaxBytes",
      "0",
      { largeRequestMaxBytes: 104_857_600 },
      "Invalid max bytes for all large requests 0. It should be a positive number. The max bytes stay at 104857600",
    );
  });

  it("multiply bucket and refill by the global weight when connections are weighed", () => {
    const { settings, notes } = read(
      ["zookeeper.connection_throttle_tokens", "10"],
      ["zookeeper.connection_throttle_fill_count", "2"],
      ["zookeeper.connection_throttle_weight_enabled", "true"],
      ["zookeeper.connection_throttle_global_session_weight", "4"],
      ["zookeeper.connection_throttle_local_session_weight", "5"],
    );
    expect(settings.connectionThrottle).toMatchObject({
      tokens: 50,
      fillCount: 10,
      globalSessionWeight: 5,
      localSessionWeight: 5,
      renewSessionWeight: 5,
    });
    expect(notes).toEqual([
      "warn The global session weight 4 is less than the local session weight 5. Use the local session weight.",
    ]);
    const invalid = "Invalid renew session weight 0. It should be larger than 0";
    const name = "zookeeper.connection_throttle_renew_session_weight";
    checkCorrected(name, "0", { connectionThrottle: { renewSessionWeight: 2 } }, invalid);
  });

  it("always enable srvr, add isro for a read-only server, and take a star for every word", () => {
    const name = "zookeeper.4lw.commands.whitelist";
    check(name, " ruok ,stat,, ", { fourLetterWordWhitelist: new Set(["ruok", "stat", "srvr"]) });
    check(name, "ruok, * ", { fourLetterWordWhitelist: "*" });
    const readOnlyModeEnabled = true;
    check("readonlymode.enabled", "true", { readOnlyModeEnabled, fourLetterWordWhitelist: new Set(["srvr", "isro"]) });
    check("readonlymode.enabled", "TRUE", { readOnlyModeEnabled, fourLetterWordWhitelist: new Set(["srvr"]) });
  });

  it("register the providers that exist, and survive a class that does not", () => {
    const prefix = "org.apache.zookeeper.server.auth.";
    const x509 = new Set(["ip", "digest", "x509"]);
    check("zookeeper.authProvider.1", `${prefix}X509AuthenticationProvider`, { authProviders: x509 });
    check("zookeeper.authProvider.any.name", `${prefix}EnsembleAuthenticationProvider`, {
      authProviders: new Set(["ip", "digest", "ensemble"]),
    });
    check("zookeeper.DigestAuthenticationProvider.enabled", "false", { authProviders: new Set(["ip"]) });
    check("zookeeper.DigestAuthenticationProvider.digestAlg", "sha-256", { digestAuth: { algorithm: "sha-256" } });
    const unqualified = "Problems loading X509AuthenticationProvider: its scheme is unknown here";
    const none = { authProviders: new Set(["ip", "digest"]) };
    checkCorrected("zookeeper.authProvider.1", "X509AuthenticationProvider", none, unqualified);
  });

  it("enforce authentication only with schemes that exist", () => {
    const enabled: [string, string] = ["zookeeper.enforce.auth.enabled", "true"];
    expect(read(enabled, schemes("digest , ip")).settings.enforceAuthSchemes).toEqual(["digest", "ip"]);
    expect(read(schemes("digest")).settings.enforceAuthSchemes).toEqual([]);
    expect(() => read(enabled)).toThrow(
      "zookeeper.enforce.auth.enabled is true zookeeper.enforce.auth.schemes must be  configured.; " +
        "valid is a list of ip, digest",
    );
    expect(() => read(enabled, schemes("sasl"))).toThrow("Authentication scheme sasl is not available.; valid is");
    expect(() => read(enabled, schemes(""))).toThrow("Authentication scheme  is not available.");
  });

  it("are secret when they are passwords or the super user's digest, not when they are paths to them", () => {
    const names = [
      "ssl.keyStore.password",
      "a.passwd",
      "x.superDigest",
      "superPassword",
      "ssl.keyStore.passwordPath",
      "snapCount",
    ];
    expect(names.map((name) => isSecret(name))).toEqual([true, true, true, true, false, false]);
  });
});
