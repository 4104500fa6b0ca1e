import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ConfigError } from "#base/errors.ts";
import type { KeyRow } from "#config/key-row.ts";
import { parserKeys } from "#config/parser-keys.ts";
import { flagKeys, propertyKeys } from "#config/property-keys.ts";
import { readPropertySettings } from "#config/property-settings.ts";
import { schemeOfProvider, securityKeys } from "#config/security-keys.ts";
import { loadConfig, type LoadedConfig } from "#config/server-config.ts";
import { SystemProperties } from "#config/system-properties.ts";
import { deadNames, judge, type Judgement, nearestName } from "#config/verdict.ts";

/** kind, name, and what ZooKeeper's operators are promised: H honour, L accept with a line, R refuse. */
const documented = readFileSync(new URL("fixtures/documented-keys.txt", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => line.split(" ") as [kind: "parser" | "property" | "flag", name: string, promise: "H" | "L" | "R"]);

/** Documented as honoured, without effect as yet; the reason is what the operator reads. */
const notHonouredYet: readonly [pattern: RegExp, reason: RegExp][] = [
  [/^(ssl\.|fips-mode|X509|client\.certReload|netty\.server\.)/, /TLS/],
  [/^(SASL|allowSasl|letAny|superUser|sasl\.|kerberos\.|security\.|requireKerberos)/, /SASL is not supported yet/],
  [/^java\.security\.krb5/, /Kerberos is not supported yet/],
  [/^(admin\.|IPAuth)/, /AdminServer is not part of this version yet/],
  [/^(audit\.|auditlog\.)/, /audit log is not part of this version yet/],
  [/^metricsProvider\./, /Prometheus endpoint is not part of this version yet/],
  [/^jvm\.pause\./, /pause monitor is not part of this version yet/],
  [/^max(GetChildren)?ResponseCacheSize$/, /faster than it is looked up/],
  [/^(log\.|root\.logger|logback)/, /standard output/],
  [/^(client\.secure|clientCnxnSocket)$/, /a setting of clients/],
];

/** Documented as honoured, refused as yet: what starting without them would leave open. */
const refusedYet = /^(secureClientPort(Address)?|java\.security\.auth\.login\.config)$/;

function judgeOne(kind: "parser" | "property" | "flag", name: string, value: string): Judgement {
  const entries = kind === "flag" ? [] : [{ key: name, value, line: 1, lastLine: 1 }];
  const flags = new Map(kind === "flag" ? [[name, value]] : []);
  const judgements = judge(entries, flags);
  expect(judgements, name).toHaveLength(1);
  return judgements[0]!;
}

function load(text: string, flags: readonly (readonly [string, string])[] = []): LoadedConfig {
  return loadConfig({ text: Buffer.from(text, "latin1"), file: "zoo.cfg", systemProperties: new Map(flags) });
}

/** A key that the row is about. */
function sample(row: KeyRow): string {
  return row.name.replace("*", "x1");
}

function isHonoured({ verdict, text }: KeyRow): boolean {
  return verdict === "honoured" && text !== "false";
}

/** Checks that one value of a key refuses to start, and why. */
function checkRefused(line: string, problem: string): void {
  const { key, outcome, text } = judgeOne(
    "property",
    line.slice(0, line.indexOf("=")),
    line.slice(line.indexOf("=") + 1),
  );
  expect([key, outcome]).toEqual([line.slice(0, line.indexOf("=")), "refused"]);
  expect(text).toContain(problem);
  expect(() => load(`dataDir=/data\n${line}\n`)).toThrow(`zoo.cfg:2: ${key}: ${problem}`);
}

function textOf(kind: "parser" | "flag", name: string): string {
  return judgeOne(kind, name, "1").text;
}

describe("the key tables against what is documented", () => {
  it("knows every documented key, and keeps the promise made for it or says why not", () => {
    for (const [kind, name, promise] of documented) {
      const { outcome, text } = judgeOne(kind, name, sampleValues.get(name) ?? "false");
      const expected = { H: ["honoured", "ensembleOnly"], L: ["noEffect", "ensembleOnly"], R: ["refused", "noEffect"] };
      if (expected[promise].includes(outcome)) continue;
      if (refusedYet.test(name)) expect(outcome, name).toBe("refused");
      else {
        const exception = notHonouredYet.find(([pattern]) => pattern.test(name));
        expect([outcome, exception], `${name} is ${outcome}`).toEqual(["noEffect", expect.anything()]);
        expect(text, name).toMatch(exception![1]);
      }
    }
  });

  it("has each name once in a table", () => {
    for (const rows of [parserKeys, [...propertyKeys, ...securityKeys], flagKeys]) {
      const names = rows.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it("honours exactly the properties that are read", () => {
    const properties = new SystemProperties(new Map([["zookeeper.authProvider.1", "x"]]), []);
    properties.set("zookeeper.enforce.auth.enabled", "true", 1);
    properties.set("zookeeper.enforce.auth.schemes", "ip", 1);
    readPropertySettings(properties, "zoo.cfg");
    const honouredNames = [
      ...[...propertyKeys, ...securityKeys].filter(isHonoured).map(({ name }) => `zookeeper.${name.replace("*", "1")}`),
      ...flagKeys.filter(isHonoured).map(({ name }) => name),
    ];
    const read = [...properties.namesRead].filter((name) => name !== "zookeeper.sessionRequireClientSASLAuth");
    expect(read.sort()).toEqual(honouredNames.sort());
  });
});

describe("what becomes of a key", () => {
  it("names every key without effect once at start, with the reason", () => {
    for (const row of [...parserKeys, ...propertyKeys, ...securityKeys].filter(
      ({ verdict }) => verdict === "noEffect",
    )) {
      const key = sample(row);
      const { notes } = load(`dataDir=/data\n${key}=${sampleValues.get(row.name) ?? "1"}\n`);
      const told = notes.filter((note) => note.key === key);
      expect(told, key).toEqual([{ level: "info", line: 2, key, text: `${key} has no effect here: ${row.text}` }]);
    }
    for (const row of flagKeys.filter(({ verdict }) => verdict === "noEffect")) {
      const { notes } = load("dataDir=/data\n", [[sample(row), "1"]]);
      expect(notes.map(({ text }) => text)).toContain(`${sample(row)} has no effect here: ${row.text}`);
    }
  });

  it("refuses to start on every refused key, with file, line, key and the way out", () => {
    for (const row of parserKeys.filter(
      ({ verdict, name }) => verdict === "refused" && name !== "secureClientPortAddress",
    )) {
      expect(() => load(`dataDir=/data\n\n${row.name}=1\n`), row.name).toThrow(
        new ConfigError({ file: "zoo.cfg", line: 3, key: row.name, problem: row.text }),
      );
    }
    expect(() => load("dataDir=/data", [["java.security.auth.login.config", "/jaas.conf"]])).toThrow(
      /^command line: -Djava\.security\.auth\.login\.config: SASL is not supported yet, .*; remove the flag$/,
    );
  });

  it("refuses single values where doing without them would be unsafe or would change what data means", () => {
    checkRefused("client.portUnification=TRUE", "TLS is not supported yet");
    checkRefused("admin.portUnification=true", "TLS is not supported yet");
    checkRefused("admin.forceHttps=true", "TLS is not supported yet");
    checkRefused("sessionRequireClientSASLAuth=true", "SASL is not supported yet");
    checkRefused(
      "authProvider.sasl=org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
      "SASL is not supported yet",
    );
    checkRefused(
      "authProvider.1=org.apache.zookeeper.server.auth.KeyAuthenticationProvider",
      "the key provider is a toy",
    );
    checkRefused(
      "serverCnxnFactory=com.example.Factory",
      "Couldn't instantiate com.example.Factory; valid is org.apache.",
    );
    checkRefused("audit.impl.class=com.example.Audit", "Couldn't instantiate com.example.Audit; valid is org.apache.");
    checkRefused(
      "metricsProvider.className=x.Y",
      "metrics provider class was not found; valid is org.apache.zookeeper.metrics.",
    );
    checkRefused(
      "DigestAuthenticationProvider.digestAlg=ROT13",
      "don't support this ACL digest algorithm: ROT13 in the current environment; valid is MD5, ",
    );
  });

  it("accepts the harmless values of the same keys", () => {
    for (const [key, value] of [
      ["client.portUnification", "false"],
      ["sessionRequireClientSASLAuth", "no"],
      ["serverCnxnFactory", "org.apache.zookeeper.server.NettyServerCnxnFactory"],
      ["audit.impl.class", "org.apache.zookeeper.audit.Slf4jAuditLogger"],
      ["metricsProvider.className", "org.apache.zookeeper.metrics.impl.NullMetricsProvider"],
      ...["SHA1", "sha-256", "MD5", "SHA3-512"].map((name) => ["DigestAuthenticationProvider.digestAlg", name]),
      ...[...schemeOfProvider.keys()].map((name) => ["authProvider.1", name]),
    ]) {
      expect(judgeOne("property", key!, value!).outcome, `${key}=${value}`).not.toBe("refused");
    }
  });

  it("says nothing of honoured keys and of those that concern ensembles only", () => {
    for (const row of [...parserKeys, ...propertyKeys, ...securityKeys]) {
      if (row.verdict !== "honoured" && row.verdict !== "ensembleOnly") continue;
      const { outcome, text } = judgeOne("parser", sample(row), "false");
      if (outcome !== "refused") expect([row.name, outcome, text]).toEqual([row.name, row.verdict, ""]);
    }
  });

  it("says which names of the guide do nothing, and what works", () => {
    const known = new Set([...propertyKeys, ...securityKeys].map(({ name }) => name));
    for (const [dead, working] of deadNames) {
      expect(known).toContain(working);
      expect(judgeOne("property", dead, "1")).toEqual({
        key: dead,
        line: 1,
        outcome: "unknown",
        text: `${dead} has no effect, here or in ZooKeeper; the key that works is ${working}`,
      });
    }
    const flag = judgeOne("flag", "zookeeper.requestThrottleLimit", "1");
    expect(flag.text).toContain("what works is -Dzookeeper.request_throttle_max_requests");
  });

  it("suggests the nearest name for a key that nothing reads, and never refuses it", () => {
    expect(textOf("parser", "tickTme")).toBe("tickTme is a key that nothing reads; did you mean tickTime?");
    expect(textOf("parser", "clientport")).toBe("clientport is a key that nothing reads; did you mean clientPort?");
    expect(textOf("parser", "autopurge.snapRetianCount")).toContain("did you mean autopurge.snapRetainCount?");
    expect(textOf("parser", "somethingElseEntirely")).toBe("somethingElseEntirely is a key that nothing reads");
    expect(textOf("parser", "zookeeper.snapCount")).toBe(
      "zookeeper.snapCount has no effect, here or in ZooKeeper; in a configuration file the key is snapCount",
    );
    expect(textOf("parser", "jute.maxbuffer")).toBe(
      "jute.maxbuffer has no effect in a configuration file, here or in ZooKeeper; pass it as -Djute.maxbuffer=VALUE",
    );
    expect(nearestName("")).toBeNull();
  });

  it("tells flags that nothing reads from those that are none of its business", () => {
    expect(textOf("flag", "zookeeper.snapCont")).toBe(
      "-Dzookeeper.snapCont is a property that nothing reads; did you mean zookeeper.snapCount?",
    );
    expect(textOf("flag", "zookeeper.dataDir")).toContain("dataDir is a key of the configuration file");
    expect(textOf("flag", "zookeeper.jute.maxbuffer")).toContain("its name is jute.maxbuffer");
    expect(judge([], new Map([["java.net.preferIPv4Stack", "true"]]))).toEqual([]);
  });

  it("lets the last of two equal keys win, and says so", () => {
    const { config, notes } = load("dataDir=/a\ntickTime=2000\n dataDir = /b\n");
    expect(config.dataDir).toBe("/b");
    const text = "dataDir is given again on line 3, and the last one wins";
    expect(notes).toContainEqual({ level: "warn", line: 1, key: "dataDir", text });
  });

  it("lets the file override a flag, refusal included", () => {
    const flags = [["zookeeper.client.portUnification", "true"]] as const;
    expect(() => load("dataDir=/data", flags)).toThrow("command line: -Dzookeeper.client.portUnification: TLS");
    expect(load("dataDir=/data\nclient.portUnification=false", flags).config.clientPort).toBeNull();
  });
});

/** Values that rows without effect accept, where "1" is not one. */
const sampleValues = new Map([
  ["serverCnxnFactory", "org.apache.zookeeper.server.NIOServerCnxnFactory"],
  ["audit.impl.class", "org.apache.zookeeper.audit.Slf4jAuditLogger"],
  ["metricsProvider.className", "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider"],
  ["jvm.pause.monitor", "true"],
  ["DigestAuthenticationProvider.digestAlg", "SHA-256"],
]);
