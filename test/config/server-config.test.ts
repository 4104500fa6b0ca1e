import { describe, expect, it } from "vitest";
import { formatNote } from "#config/notes.ts";
import {
  configFromArguments,
  defaultConfig,
  loadConfig,
  type LoadedConfig,
  type ServerConfig,
  shownProperties,
} from "#config/server-config.ts";

type Flags = readonly (readonly [string, string])[];

interface Given {
  readonly flags?: Flags;
  readonly myid?: string | null;
  /** Dynamic configuration files, by path. */
  readonly files?: Readonly<Record<string, string>>;
}

function load(text: string, options: Given = {}): LoadedConfig {
  const { flags = [], myid, files = {} } = options;
  return loadConfig({
    text: Buffer.from(text, "latin1"),
    file: "/conf/zoo.cfg",
    systemProperties: new Map(flags),
    ...(myid === undefined ? {} : { readMyid: () => myid }),
    readDynamicFile: (file) => (files[file] === undefined ? null : Buffer.from(files[file])),
  });
}

function checkConfig(text: string, expected: Partial<ServerConfig>, options: Given = {}): void {
  expect(load(text, options).config).toMatchObject(expected);
}

/** Checks the whole line that an operator would read. */
function checkError(text: string, line: string, options: Given = {}): void {
  let message = "no error";
  try {
    load(text, options);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toBe(line);
}

function notesOf(text: string, options: Given = {}): string[] {
  return load(text, options).notes.map((note) => `${note.level} ${formatNote("zoo.cfg", note)}`);
}

const purgeOff = "warn autopurge.purgeInterval is 0: old snapshots and transaction logs are never removed";

/** Checks that a second line after dataDir is refused with these words. */
function checkSecondLine(line: string, words: string): void {
  const key = line.slice(0, line.indexOf("="));
  expect(() => load(`dataDir=/data\n${line}`), line).toThrow(`/conf/zoo.cfg:2: ${key}: ${words}`);
}

describe("a zoo.cfg", () => {
  it("has ZooKeeper's defaults for whatever it does not say", () => {
    const { config } = load("dataDir=/data\nclientPort=2181\n");
    expect(config).toMatchObject({
      clientPort: 2181,
      clientPortAddress: "0.0.0.0",
      clientPortListenBacklog: -1,
      maxClientCnxns: 60,
      maxCnxns: 0,
      dataDir: "/data",
      dataLogDir: "/data",
      tickTimeMs: 3000,
      minSessionTimeoutMs: 6000,
      maxSessionTimeoutMs: 60_000,
      autopurge: { purgeIntervalHours: 0, snapRetainCount: 3 },
      reconfigEnabled: false,
      standaloneEnabled: true,
      myid: null,
      juteMaxBufferBytes: 1_048_575,
      juteMaxBufferExtraBytes: 1_048_575,
    });
    expect(config.membership.members.size).toBe(0);
  });

  it("is read key by key, trimmed, the catch-all filling the property table over the flags", () => {
    const text =
      " dataDir = /data/ \ndataLogDir:/log//x\nclientPort 2182\nclientPortAddress=10.0.0.1  \ntickTime=2000\n" +
      "minSessionTimeout=1000\nmaxSessionTimeout=9000\nmaxClientCnxns=-5\nclientPortListenBacklog=7\n" +
      "autopurge.purgeInterval=2\nautopurge.snapRetainCount=9\nreconfigEnabled=TRUE\nsnapCount = 500 \n";
    const { config } = load(text, {
      flags: [
        ["zookeeper.snapCount", "7"],
        ["zookeeper.maxCnxns", "3"],
      ],
    });
    expect(config).toMatchObject({
      dataDir: "/data",
      dataLogDir: "/log/x",
      clientPort: 2182,
      clientPortAddress: "10.0.0.1",
      tickTimeMs: 2000,
      minSessionTimeoutMs: 1000,
      maxSessionTimeoutMs: 9000,
      maxClientCnxns: 0,
      clientPortListenBacklog: 7,
      autopurge: { purgeIntervalHours: 2, snapRetainCount: 9 },
      reconfigEnabled: true,
      snapCount: 500,
      maxCnxns: 3,
    });
    expect(config.systemProperties.get("zookeeper.snapCount")).toBe("500");
  });

  it("starts the sample file of the distribution", () => {
    const text =
      "# The number of milliseconds of each tick\ntickTime=2000\ninitLimit=10\nsyncLimit=5\n" +
      "dataDir=/tmp/zookeeper\nclientPort=2181\n#maxClientCnxns=60\n";
    checkConfig(text, { clientPort: 2181, tickTimeMs: 2000, maxClientCnxns: 60 });
    expect(notesOf(text)).toEqual([purgeOff]);
  });

  it("is refused with one line whatever its keys and values spell", () => {
    checkError(
      "dataDir=/data\nserver.1=a:1:2\\n\\u0085",
      "/conf/zoo.cfg:2: server.1: Address unresolved: a:2\\u000a\\u0085; valid is a port, 0 to 65535",
    );
  });

  it("is refused with one line of file, line, key, ZooKeeper's words and what would be valid", () => {
    const data = "dataDir=/data\n";
    checkError("", "/conf/zoo.cfg: dataDir: dataDir is not set; valid is dataDir=FOLDER");
    checkError("dataDir=", "/conf/zoo.cfg:1: dataDir: dataDir is not set; valid is dataDir=FOLDER");
    checkError(
      `${data}clientPort=21o1`,
      '/conf/zoo.cfg:2: clientPort: Error processing /conf/zoo.cfg: For input string: "21o1"; valid is a decimal integer',
    );
    checkError(
      `${data}clientPort=0x10`,
      '/conf/zoo.cfg:2: clientPort: Error processing /conf/zoo.cfg: For input string: "0x10"; valid is a decimal integer',
    );
    checkError(
      `${data}clientPort=65536`,
      "/conf/zoo.cfg:2: clientPort: Error processing /conf/zoo.cfg: port out of range:65536; valid is a port, 0 to 65535",
    );
    checkError(
      `${data}clientPortAddress=::1`,
      "/conf/zoo.cfg:2: clientPortAddress: clientPortAddress is set but clientPort is not set; valid is both of them, or neither",
    );
    checkError(
      `${data}secureClientPortAddress=::1`,
      "/conf/zoo.cfg:2: secureClientPortAddress: secureClientPortAddress is set but secureClientPort is not set; " +
        "valid is both of them, or neither",
    );
    checkError(`${data}tickTime=0`, "/conf/zoo.cfg:2: tickTime: tickTime is not set; valid is milliseconds, not 0");
    checkError(`${data}tickTime=-1`, "/conf/zoo.cfg:2: tickTime: -1 is not a time; valid is milliseconds, 1 or more");
    checkError(
      `${data}maxSessionTimeout=5999`,
      "/conf/zoo.cfg:2: maxSessionTimeout: minSessionTimeout must not be larger than maxSessionTimeout; " +
        "valid is min <= max; here they are 6000 and 5999",
    );
    checkError(
      `${data}minSessionTimeout=60001`,
      "/conf/zoo.cfg:2: minSessionTimeout: minSessionTimeout must not be larger than maxSessionTimeout; " +
        "valid is min <= max; here they are 60001 and 60000",
    );
    checkError(
      `${data}standaloneEnabled=yes`,
      "/conf/zoo.cfg:2: standaloneEnabled: Invalid option yes for standaloneEnabled. Choose 'true' or 'false.'; " +
        "valid is true or false",
    );
    checkError(
      `${data}a=\\u12`,
      "/conf/zoo.cfg:2: Error processing /conf/zoo.cfg: Malformed \\uxxxx encoding. " +
        "Valid is \\u and four hexadecimal digits; a backslash of a path is written twice",
    );
  });

  it("is checked in the keys of ensembles too, as ZooKeeper does on a standalone server", () => {
    checkSecondLine("electionAlg=2", "Invalid electionAlg value. Only 3 is supported.; valid is 3");
    checkSecondLine("peerType=voter", "Unrecognised peertype: voter; valid is participant or observer");
    for (const key of [
      "initLimit",
      "syncLimit",
      "connectToLearnerMasterLimit",
      "observerMasterPort",
      "quorum.cnxn.threads.size",
    ]) {
      checkSecondLine(`${key}=5t`, 'Error processing /conf/zoo.cfg: For input string: "5t"');
    }
    for (const key of [
      "syncEnabled",
      "sslQuorum",
      "portUnification",
      "localSessionsEnabled",
      "multiAddress.enabled",
      "jvm.pause.monitor",
    ]) {
      checkSecondLine(`${key}=1`, `Invalid option 1 for ${key}. Choose 'true' or 'false.'`);
    }
    checkSecondLine("jvm.pause.sleep.time.ms=1.5", 'Error processing /conf/zoo.cfg: For input string: "1.5"');
    checkSecondLine(
      "quorum.auth.serverRequireSasl=true",
      "quorum.auth.enableSasl is disabled, so cannot enable quorum.auth.serverRequireSasl",
    );
    checkSecondLine(
      "quorum.auth.learnerRequireSasl=true",
      "quorum.auth.enableSasl is disabled, so cannot enable quorum.auth.learnerRequireSasl",
    );
    checkSecondLine(
      "quorum.auth.serverRequireSasl=true\nquorum.auth.enableSasl=true",
      "quorum.auth.learnerRequireSasl is disabled, so cannot enable quorum.auth.serverRequireSasl",
    );
    expect(() => load("dataDir=/data\npeerType=OBSERVER\nelectionAlg=3\njvm.pause.monitor=true")).not.toThrow();
  });

  it("may be small mistakes away from what was meant, and says so", () => {
    expect(
      notesOf("dataDir=data\ndataLogDir=../log\nclientPort=1\nautopurge.purgeInterval=1\nautopurge.snapRetainCount=1"),
    ).toEqual([
      "warn zoo.cfg:1: data is relative. Prepend ./ to indicate that you're sure!",
      "warn zoo.cfg:2: ../log is relative. Prepend ./ to indicate that you're sure!",
      "warn zoo.cfg:5: Invalid autopurge.snapRetainCount: 1. Defaulting to 3",
    ]);
    const relative = loadConfig({ text: Buffer.from("dataDir=./d"), file: "zoo.cfg", systemProperties: new Map() });
    expect(relative.notes[0]!.text).toBe("zoo.cfg is relative. Prepend ./ to indicate that you're sure!");
    expect(notesOf("dataDir=/data\nautopurge.purgeInterval=1")).toEqual([
      "warn clientPort is not set: no client can connect",
    ]);
    expect(notesOf("dataDir=/data\nclientPort=1\nforceSync=no\nskipACL=yes")).toEqual([
      "warn zoo.cfg:3: forceSync=no: writes are acknowledged before they are durable, and can be lost",
      "warn zoo.cfg:4: skipACL=yes: ACLs are not checked, everybody may do everything",
      purgeOff,
    ]);
  });

  it("keeps secrets out of what it shows", () => {
    const text =
      "dataDir=/d\nDigestAuthenticationProvider.superDigest=super:xyz\nssl.keyStore.password=p\nssl.keyStore.passwordPath=/p\n";
    const { config, notes } = load(text, { flags: [["zookeeper.SASLAuthenticationProvider.superPassword", "secret"]] });
    expect(config.digestAuth.superDigest).toBe("super:xyz");
    expect([...shownProperties(config)]).toEqual([
      ["zookeeper.SASLAuthenticationProvider.superPassword", "*****"],
      ["zookeeper.DigestAuthenticationProvider.superDigest", "*****"],
      ["zookeeper.ssl.keyStore.password", "*****"],
      ["zookeeper.ssl.keyStore.passwordPath", "/p"],
    ]);
    expect(JSON.stringify(notes)).not.toMatch(/xyz|secret/);
  });
});

describe("a zoo.cfg with members", () => {
  const data = "dataDir=/data\n";
  const member = "server.1=localhost:2888:3888;2181\n";

  it("is standalone with one participant, and takes its client port from the member line", () => {
    for (const myid of ["1\n", "1", "1\r\n", null, undefined]) {
      checkConfig(
        data + member,
        { clientPort: 2181, clientPortAddress: "0.0.0.0" },
        myid === undefined ? {} : { myid },
      );
    }
    checkConfig(`${data}server.1=a:1:2;[::1]:2182`, { clientPort: 2182, clientPortAddress: "::1" }, { myid: "1" });
    const ignored =
      "warn zoo.cfg:2: only one server specified: the server is standalone, " +
      "and takes at most the client port from this line";
    expect(notesOf(data + member, { myid: "1" })).toEqual([ignored, purgeOff]);
    expect(load(data + member, { myid: " 1 " }).config.myid).toBe(1n);
    expect(notesOf(data + member, { myid: "1 " })).toContain(
      "warn /data/myid has blanks round its number, which ZooKeeper itself would refuse",
    );
    expect(notesOf(data + member, { myid: "5" })).toContain(
      "warn zoo.cfg:2: myid is 5, but the only server line is server.1; its client port is taken",
    );
  });

  it("keeps the static client port when the member line has none, or is not its own", () => {
    checkConfig(`${data}clientPort=1\nserver.1=a:2:3`, { clientPort: 1 }, { myid: "1" });
    checkConfig(`${data}clientPort=1\nserver.1=a:2:3;4`, { clientPort: 1 }, { myid: "2" });
  });

  it("prefers the member line's client address to an agreeing static one, and refuses a different one", () => {
    checkConfig(
      `${data}clientPort=4\nserver.1=a:2:3;10.0.0.1:4`,
      { clientPort: 4, clientPortAddress: "10.0.0.1" },
      { myid: "1" },
    );
    const address = "clientPort=4\nclientPortAddress=127.0.0.1\n";
    checkConfig(`${data}${address}server.1=a:2:3;localhost:4`, { clientPortAddress: "localhost" }, { myid: "1" });
    checkConfig(`${data}${address}server.1=a:2:3;zoo1:4`, { clientPortAddress: "zoo1" }, { myid: "1" });
    // As it was written, and as it stands in the file once a change has moved the members there.
    const sixth = "clientPort=4\nclientPortAddress=::1\n";
    for (const host of ["::1", "0:0:0:0:0:0:0:1"]) load(`${data}${sixth}server.1=a:2:3;[${host}]:4`, { myid: "1" });
    checkError(
      `${data}clientPort=4\nserver.1=a:2:3;5`,
      "/conf/zoo.cfg:2: clientPort: client address for this server (id = 1) in static config file is 0.0.0.0/0.0.0.0:4 " +
        "is different from client address found in dynamic file: /0.0.0.0:5; " +
        "valid is one of the two, or both alike (server.1 is on line 3)",
      { myid: "1" },
    );
    expect(() => load(`${data}${address}server.1=a:2:3;10.0.0.1:4`, { myid: "1" })).toThrow(
      "in static config file is /127.0.0.1:4 is different from client address found in dynamic file: /10.0.0.1:4",
    );
  });

  it("may have an oracle and an observer master's port, but no oracle beside groups", () => {
    const two = `${data}initLimit=5\nsyncLimit=2\nserver.1=a:1:2\nserver.2=b:1:2\n`;
    expect(load(two, { myid: "1" }).config.ensemble).toMatchObject({ oraclePath: null, observerMasterPort: 0 });
    const { ensemble } = load(`${two}oraclePath=/o\nobserverMasterPort=2191`, { myid: "1" }).config;
    expect(ensemble).toMatchObject({ oraclePath: "/o", observerMasterPort: 2191 });
    expect(load(`${two}observerMasterPort=-1`, { myid: "1" }).config.ensemble?.observerMasterPort).toBe(0);
    checkError(
      `${two}oraclePath=/o\ngroup.1=1:2`,
      "/conf/zoo.cfg:6: oraclePath: an oracle is for two voters without groups and weights; valid is one of the two left out",
      { myid: "1" },
    );
    expect(() => load(`${two}observerMasterPort=70000`, { myid: "1" })).toThrow("port out of range:70000");
  });

  it("may give a server several addresses when the file or a flag says so", () => {
    const text = `${data}initLimit=5\nsyncLimit=2\nserver.1=a:1:2|b:1:2\nserver.2=c:1:2\n`;
    const flagged: Given = { myid: "1", flags: [["zookeeper.multiAddress.enabled", "true"]] };
    const { ensemble } = load(`${text}multiAddress.enabled=true`, { myid: "1" }).config;
    expect(ensemble?.own.addresses).toHaveLength(2);
    expect(load(text, flagged).config.ensemble?.own.addresses).toHaveLength(2);
    expect(notesOf(text, flagged)).not.toContainEqual(expect.stringContaining("multiAddress"));
    const disabled = "Multiple address feature is disabled, but multiple addresses were specified for sid 1";
    expect(() => load(text, { myid: "1" })).toThrow(disabled);
    expect(() => load(`${text}multiAddress.enabled=false`, flagged)).toThrow(disabled);
  });

  it("is a member of an ensemble, with all that a member needs", () => {
    const three = "server.1=a:1:2\nserver.2=b:1:2;9\nserver.3=c:1:2:observer\nserver.4=d:1:2\n";
    const limits = "initLimit=5\nsyncLimit=2\n";
    const { ensemble, clientPort } = load(`${data}tickTime=1000\n${limits}${three}`, { myid: "2" }).config;
    expect(clientPort).toBe(9);
    expect(ensemble).toMatchObject({
      sid: 2n,
      own: { sid: 2n, role: "participant" },
      initLimit: 5,
      syncLimit: 2,
      commitLogCount: 500,
      snapshotSizeFactor: 0.33,
      election: { notificationIntervalMsMin: 200, connectTimeoutMs: 5000, handshakeTimeoutMs: 2000, bindAttempts: 3 },
    });
    const check = (text: string, line: string, myid: string | null = "2"): void =>
      checkError(data + text, line, { myid });
    const ticks = "valid is a number of ticks, 1 or more";
    check(three, `/conf/zoo.cfg: initLimit: initLimit is not set; ${ticks}`);
    check(`initLimit=5\n${three}`, `/conf/zoo.cfg: syncLimit: syncLimit is not set; ${ticks}`);
    check(
      `initLimit=-1\n${three}`,
      "/conf/zoo.cfg:2: initLimit: -1 is too small; valid is a decimal integer, 0 or more",
    );
    check(limits + three, "/data/myid: myid file is missing; valid is a file with one of 1, 2, 3, 4", null);
    const { ensemble: alone } = load(`${data}${limits}${member}standaloneEnabled=false`, { myid: "1" }).config;
    expect(alone).toMatchObject({ sid: 1n });
    check(limits + three, "/data/myid: My id 7 not in the peer list; valid is one of 1, 2, 3, 4", "7");
    check(
      `extendedTypesEnabled=true\n${limits}${three}server.255=e:1:2\n`,
      "/data/myid: 255 is no id for a server with TTL znodes; valid is 0 to 254, or extendedTypesEnabled=false",
      "255",
    );
    check(
      `${limits}sslQuorum=true\n${three}`,
      "/conf/zoo.cfg:4: sslQuorum: TLS between servers is not supported yet by this version; valid is the key left out",
    );
  });

  it("is refused when myid is no number", () => {
    const valid = "valid is the number of this server's server.N line";
    checkError(data + member, `/data/myid:1: serverid one is not a number; ${valid}`, { myid: "one\n2" });
    checkError(data + member, `/data/myid:1: serverid null is not a number; ${valid}`, { myid: "" });
  });

  it("may not name members beside a dynamic file", () => {
    checkError(
      `${data}dynamicConfigFile=/conf/zoo.cfg.dynamic\n${member}`,
      "/conf/zoo.cfg:3: server.1: parameter: server.1 must be in a separate dynamic config file; " +
        "valid is either dynamicConfigFile or membership lines",
    );
    checkError(
      `${data}dynamicConfigFile=/conf/zoo.cfg.dynamic`,
      "/conf/zoo.cfg:2: dynamicConfigFile: Error processing /conf/zoo.cfg.dynamic: file is missing; " +
        "valid is a file with server lines",
    );
  });

  describe("in a file of their own", () => {
    const zooCfg = `${data}initLimit=5\nsyncLimit=2\ndynamicConfigFile=/conf/d.1a\n`;
    const members = "server.1=a:1:2;3\nserver.2=b:1:2;3\nserver.3=c:1:2;3";

    function seen(version: string, extra = "reconfigEnabled=true\n"): bigint | undefined {
      const next = `${members}\nserver.4=d:1:2;3\nversion=${version}`;
      const files = { "/conf/d.1a": members, "/conf/zoo.cfg.dynamic.next": next };
      return load(zooCfg + extra, { myid: "2", files }).config.ensemble?.lastSeen.version;
    }

    it("have the version that is in its name, and the client port of this server", () => {
      const { config, notes } = load(zooCfg, { myid: "2", files: { "/conf/d.1a": members } });
      expect(config).toMatchObject({ clientPort: 3, ensemble: { sid: 2n, zooCfg: "/conf/zoo.cfg" } });
      expect(config.ensemble?.committed.version).toBe(26n);
      expect(config.ensemble?.lastSeen).toBe(config.ensemble?.committed);
      expect(notes.filter(({ level }) => level !== "info").map(({ key }) => key)).toEqual(["autopurge.purgeInterval"]);
    });

    it("are followed by what was seen last, where it is newer and changes are allowed", () => {
      expect(seen("1b")).toBe(27n);
      expect(seen("1a")).toBe(26n);
      expect(seen("1b", "")).toBe(26n);
    });

    it("may be those of a server on its own", () => {
      const { config } = load(zooCfg, { myid: "1", files: { "/conf/d.1a": "server.1=a:1:2;5" } });
      expect(config).toMatchObject({ ensemble: null, clientPort: 5 });
    });

    it("may have nothing beside them", () => {
      const files = { "/conf/d.1a": `${members}\ntickTime=5` };
      const valid = "valid are server.N, group.N, weight.N and version";
      checkError(zooCfg, `/conf/d.1a:4: tickTime: Unrecognised parameter: tickTime; ${valid}`, { myid: "1", files });
      const text = "/conf/zoo.cfg:4: dynamicConfigFile: dynamic file shouldn't have version inside; valid is its name";
      checkError(zooCfg, text, { myid: "1", files: { "/conf/d.1a": `version=5\n${members}` } });
    });
  });
});

describe("a start without a file", () => {
  it("listens on loopback, keeps its data in one named folder, purges, and answers every four-letter word", () => {
    const { config, notes } = defaultConfig();
    expect(notes).toEqual([]);
    expect(config).toMatchObject({
      clientPort: 2181,
      clientPortAddress: "127.0.0.1",
      dataDir: "./nodekeeper-data",
      dataLogDir: "./nodekeeper-data",
      tickTimeMs: 2000,
      minSessionTimeoutMs: 4000,
      maxSessionTimeoutMs: 40_000,
      autopurge: { purgeIntervalHours: 1, snapRetainCount: 3 },
      fourLetterWordWhitelist: "*",
    });
    const flagged = defaultConfig(new Map([["zookeeper.4lw.commands.whitelist", "ruok"]])).config;
    expect(flagged.fourLetterWordWhitelist).toEqual(new Set(["ruok", "srvr"]));
  });

  it("takes port and folder from its arguments, with unlimited connections per address", () => {
    expect(configFromArguments({ clientPort: 0, dataDir: "/d/" }).config).toMatchObject({
      clientPort: 0,
      clientPortAddress: "0.0.0.0",
      dataDir: "/d",
      dataLogDir: "/d",
      tickTimeMs: 3000,
      maxClientCnxns: 0,
      maxSessionTimeoutMs: 60_000,
    });
    const given = { clientPort: 1, dataDir: "d", tickTimeMs: 500, maxClientCnxns: 10 };
    const systemProperties = new Map([["zookeeper.snapCount", "x"]]);
    const { config, notes } = configFromArguments({ ...given, systemProperties });
    expect(config).toMatchObject({
      tickTimeMs: 500,
      minSessionTimeoutMs: 1000,
      maxClientCnxns: 10,
      snapCount: 100_000,
    });
    expect(notes.map(({ text }) => text)).toEqual([
      "zookeeper.snapCount=x is not a number, so the default of 100000 holds; " +
        "valid is a number: decimal, 0x hexadecimal, or octal with a leading 0",
    ]);
  });

  it("refuses dangerous flags as a file would", () => {
    const flags = new Map([["zookeeper.client.portUnification", "true"]]);
    expect(() => defaultConfig(flags)).toThrow(
      "command line: -Dzookeeper.client.portUnification: TLS is not supported yet",
    );
  });
});
