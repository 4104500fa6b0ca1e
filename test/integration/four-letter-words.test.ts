/**
 * The four-letter words, asked as `echo WORD | nc` asks: connect, write, half-close, read to the end. Each answer has
 * the shape that scripts and dashboards parse; values are checked where a test can know them.
 */

import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerProcess } from "../support/server-process.ts";
import { Bytes } from "../support/bytes.ts";
import { fourLetterWord, WireClient } from "../support/wire-client.ts";
import { flag } from "../support/wire-frames.ts";

let server: ServerProcess;
let client: WireClient;

beforeAll(async () => {
  server = await ServerProcess.start();
  client = await WireClient.connect(server.port);
  await client.create("/words", "data");
  await client.create("/words/e", "", flag.ephemeral);
  await client.exists("/words", true);
  await client.exists("/words/absent", true);
});

afterAll(async () => {
  await client.closeSession();
  await server.dispose();
});

function ask(word: string, extra?: Uint8Array): Promise<string> {
  return fourLetterWord(server.port, word, extra);
}

function sessionHex(): string {
  return `0x${client.session.id.toString(16)}`;
}

const versionLine = /^Zookeeper version: 3\.9\.\d+-[0-9a-f]{40}, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC$/;
const connectionLine = /^ \/127\.0\.0\.1:\d+\[[0-9a-f]+\]\(queued=\d+,recved=\d+,sent=\d+\)$/;
const connectionLineInFull =
  /^ \/127\.0\.0\.1:\d+\[[0-9a-f]+\]\(queued=\d+,recved=\d+,sent=\d+,sid=0x[0-9a-f]+,lop=[A-Z0-9]+,est=\d+,to=30000,lcxid=0x[0-9a-f]+,lzxid=0x[0-9a-f]+,lresp=\d+,llat=\d+,minlat=\d+,avglat=\d+,maxlat=\d+\)$/;
const serverLines = [
  /^Latency min\/avg\/max: \d+\/\d+\.\d{1,4}\/\d+$/,
  /^Received: \d+$/,
  /^Sent: \d+$/,
  /^Connections: \d+$/,
  /^Outstanding: \d+$/,
  /^Zxid: 0x[0-9a-f]+$/,
  /^Mode: standalone$/,
  /^Node count: \d+$/,
];

/** Compares line by line; the text must end in a line feed. */
function expectLines(text: string, patterns: readonly RegExp[]): void {
  const lines = text.split("\n");
  expect(lines.pop()).toBe("");
  expect(lines).toEqual(patterns.map((pattern) => expect.stringMatching(pattern)));
}

/** What srvr says; asking is received before the answer is made, and sent after. */
async function counts(): Promise<[received: number, sent: number]> {
  const text = await ask("srvr");
  return [Number(/^Received: (\d+)$/m.exec(text)![1]), Number(/^Sent: (\d+)$/m.exec(text)![1])];
}

/** What `work` adds to them. */
async function added(work: () => Promise<unknown>): Promise<number[]> {
  const before = await counts();
  await work();
  const after = await counts();
  return [after[0] - before[0] - 1, after[1] - before[1] - 1];
}

describe("packets", () => {
  test("are requests and replies, handshakes, and words by eight kibibytes of their answers", async () => {
    expect(await added(async () => {})).toEqual([0, 0]);
    expect(await added(() => client.ping())).toEqual([1, 1]);
    let session: WireClient | null = null;
    expect(await added(async () => (session = await WireClient.connect(server.port)))).toEqual([1, 1]);
    session!.drop();
    const again = await WireClient.open(server.port);
    expect(await added(() => again.handshake({ session: session!.session }))).toEqual([1, 1]);
    expect(await added(() => again.closeSession())).toEqual([1, 1]);
    const { length } = await ask("mntr");
    expect(await added(() => ask("mntr"))).toEqual([1, Math.ceil(length / 8192)]);
  });
});

describe("words that answer in a word", () => {
  test("ruok: imok, with no line feed", async () => {
    expect(await ask("ruok")).toBe("imok");
  });

  test("isro: rw, with no line feed", async () => {
    expect(await ask("isro")).toBe("rw");
  });

  test("gtmk and stmk: the trace mask, shown and set", async () => {
    expect(await ask("gtmk")).toBe("306");
    expect(await ask("stmk", new Bytes().long(0x1_0000_0002n).build())).toBe("4294967298");
    expect(await ask("gtmk")).toBe("4294967298");
    expect(await ask("stmk", new Bytes().long(306n).build())).toBe("306");
  });

  test("crst and srst: say what was reset", async () => {
    expect(await ask("crst")).toBe("Connection stats reset.\n");
    expect(await ask("srst")).toBe("Server stats reset.\n");
  });
});

describe("words about the server", () => {
  test("srvr", async () => {
    expectLines(await ask("srvr"), [versionLine, ...serverLines]);
  });

  test("stat: srvr with a line for each connection", async () => {
    const text = await ask("stat");
    const lines = text.split("\n");
    const empty = lines.indexOf("");
    expect(lines.slice(0, 2)).toEqual([expect.stringMatching(versionLine), "Clients:"]);
    const connections = lines.slice(2, empty);
    expect(connections.length).toBeGreaterThanOrEqual(2);
    expect(connections).toEqual(connections.map(() => expect.stringMatching(connectionLine)));
    expectLines(lines.slice(empty + 1).join("\n"), serverLines);
  });

  test("srvr counts znodes and shows the last zxid in hexadecimal", async () => {
    const before = numberIn(await ask("srvr"), /^Node count: (\d+)$/m);
    const made = await client.create("/words/counted", "");
    const zxid = (await client.exists(made))?.czxid ?? 0n;
    const text = await ask("srvr");
    expect(numberIn(text, /^Node count: (\d+)$/m)).toBe(before + 1);
    expect(text).toContain(`\nZxid: 0x${zxid.toString(16)}\n`);
  });

  test("conf", async () => {
    const folder = `${server.folder}/data/version-2`;
    expectLines(await ask("conf"), [
      new RegExp(`^clientPort=${server.port}$`),
      /^secureClientPort=-1$/,
      new RegExp(`^dataDir=${folder}$`),
      /^dataDirSize=\d+$/,
      new RegExp(`^dataLogDir=${folder}$`),
      /^dataLogSize=\d+$/,
      /^tickTime=2000$/,
      /^maxClientCnxns=0$/,
      /^minSessionTimeout=4000$/,
      /^maxSessionTimeout=40000$/,
      /^clientPortListenBacklog=-1$/,
      /^serverId=0$/,
    ]);
  });

  test("envi: every key, in its order", async () => {
    const lines = (await ask("envi")).trimEnd().split("\n");
    expect(lines.shift()).toBe("Environment:");
    const keys = lines.map((line) => line.slice(0, line.indexOf("=")));
    expect(keys).toEqual([
      "zookeeper.version",
      "host.name",
      "java.version",
      "java.vendor",
      "java.home",
      "java.class.path",
      "java.library.path",
      "java.io.tmpdir",
      "java.compiler",
      "os.name",
      "os.arch",
      "os.version",
      "user.name",
      "user.home",
      "user.dir",
      "os.memory.free",
      "os.memory.max",
      "os.memory.total",
    ]);
    expect(lines[0]).toMatch(/^zookeeper\.version=3\.9\.\d+-[0-9a-f]{40}, built on /);
    expect(lines.at(-1)).toMatch(/^os\.memory\.total=\d+MB$/);
  });

  test("dirs", async () => {
    expectLines(await ask("dirs"), [/^datadir_size: \d+$/, /^logdir_size: [1-9]\d*$/]);
  });

  test("hash: lines of zxid and digest, if any", async () => {
    const text = await ask("hash");
    expect(text).toMatch(/^([0-9a-f]+: -?\d+\n)*$/);
  });

  test("mntr: a name, a tab and a value on each line, with the names that monitoring reads", async () => {
    const lines = (await ask("mntr")).trimEnd().split("\n");
    expect(lines.filter((line) => !/^zk_[A-Za-z0-9_.]+\t\S.*$/.test(line))).toEqual([]);
    const values = new Map(lines.map((line) => line.split("\t") as [string, string]));
    expect([...values.keys()]).toEqual(
      expect.arrayContaining([
        "zk_version",
        "zk_server_state",
        "zk_znode_count",
        "zk_watch_count",
        "zk_ephemerals_count",
        "zk_approximate_data_size",
        "zk_num_alive_connections",
        "zk_outstanding_requests",
        "zk_avg_latency",
        "zk_max_latency",
        "zk_min_latency",
        "zk_packets_received",
        "zk_packets_sent",
        "zk_open_file_descriptor_count",
        "zk_max_file_descriptor_count",
        "zk_uptime",
        "zk_global_sessions",
        "zk_local_sessions",
        "zk_cnt_fsynctime",
        "zk_p99_updatelatency",
        "zk_connection_rejected",
      ]),
    );
    expect(values.get("zk_server_state")).toBe("standalone");
    expect(values.get("zk_ephemerals_count")).toBe("1");
    expect(values.get("zk_watch_count")).toBe("2");
    expect(values.get("zk_version")).toMatch(/^3\.9\.\d+-[0-9a-f]{40}, built on /);
  });
});

describe("words about clients", () => {
  test("cons: one line for each connection, the session's in full, then an empty line", async () => {
    await client.ping();
    const text = await ask("cons");
    expect(text.endsWith("\n\n")).toBe(true);
    const lines = text.trimEnd().split("\n");
    const own = lines.find((line) => line.includes(`sid=${sessionHex()},`));
    expect(own).toMatch(connectionLineInFull);
    const asking = lines.filter((line) => line !== own);
    expect(asking).toEqual(asking.map(() => expect.stringMatching(connectionLine)));
  });

  test("dump: sessions, ephemeral znodes and connections", async () => {
    const text = await ask("dump");
    expect(text).toMatch(/^SessionTracker dump:\nSession Sets \(\d+\)\/\(\d+\):\n/);
    expect(text).toMatch(/^\d+ expire at \w{3} \w{3} \d\d \d\d:\d\d:\d\d \S+ \d{4}:$/m);
    expect(text).toContain(`\n\t${sessionHex()}\n`);
    expect(text).toContain(`\nephemeral nodes dump:\nSessions with Ephemerals (1):\n${sessionHex()}:\n\t/words/e\n`);
    expect(text).toMatch(/^Connections dump:\nConnections Sets \(\d+\)\/\(\d+\):\n/m);
    expect(text).toMatch(new RegExp(`^\tip: /127\\.0\\.0\\.1:\\d+ sessionId: ${sessionHex()}$`, "m"));
  });

  test("wchs: how many connections watch how many paths", async () => {
    expect(await ask("wchs")).toBe("1 connections watching 2 paths\nTotal watches:2\n");
  });

  test("wchc: the paths that each session watches", async () => {
    const lines = (await ask("wchc")).split("\n");
    expect(lines[0]).toBe(sessionHex());
    expect(lines.slice(1, 3).toSorted()).toEqual(["\t/words", "\t/words/absent"]);
    expect(lines.slice(3)).toEqual(["", ""]);
  });

  test("wchp: the sessions that watch each path", async () => {
    const lines = (await ask("wchp")).split("\n");
    const pairs = [0, 2].map((at) => `${lines[at]} ${lines[at + 1]}`);
    expect(pairs.toSorted()).toEqual([`/words \t${sessionHex()}`, `/words/absent \t${sessionHex()}`]);
    expect(lines.slice(4)).toEqual(["", ""]);
  });
});

describe("how a word is asked", () => {
  test("with a line feed behind it, as by echo", async () => {
    expect(await ask("ruok", Buffer.from("\n"))).toBe("imok");
  });

  test("without closing: the server answers and closes", async () => {
    const asking = await WireClient.open(server.port);
    asking.sendRaw(Buffer.from("ruok"));
    expect(await asking.ended).toBe("end");
    expect(asking.bytesReceived).toBe(4);
  });

  test("in pieces", async () => {
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect({ port: server.port, host: "127.0.0.1", noDelay: true });
      let answer = "";
      socket.on("error", reject);
      socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
      socket.on("end", () => resolve(answer));
      socket.write("ru");
      setImmediate(() => socket.write("ok"));
    });
    expect(text).toBe("imok");
  });

  test("in capitals, or another word: closed without an answer", async () => {
    expect(await ask("RUOK")).toBe("");
    expect(await ask("what")).toBe("");
  });

  test("while another client is served", async () => {
    const answers = Array.from({ length: 50 }, () => ask("ruok"));
    const writes = Array.from({ length: 50 }, (_, i) => client.setData("/words", String(i)));
    expect(new Set(await Promise.all(answers))).toEqual(new Set(["imok"]));
    await Promise.all(writes);
  });
});

describe("the white list", () => {
  const words = "conf cons crst dirs dump envi gtmk hash isro mntr ruok srst stat stmk wchc wchp wchs".split(" ");

  test("holds srvr alone unless it is configured", async () => {
    await using closed = await ServerProcess.start({ settings: { "4lw.commands.whitelist": null } });
    for (const word of words) {
      const answer = await fourLetterWord(closed.port, word);
      expect(answer).toBe(`${word} is not executed because it is not in the whitelist.\n`);
    }
    expect(await fourLetterWord(closed.port, "srvr")).toContain("Mode: standalone");
  });

  test("is a list with commas and blanks", async () => {
    await using listed = await ServerProcess.start({ settings: { "4lw.commands.whitelist": "ruok , mntr,nope" } });
    expect(await fourLetterWord(listed.port, "ruok")).toBe("imok");
    expect(await fourLetterWord(listed.port, "mntr")).toContain("zk_version\t");
    expect(await fourLetterWord(listed.port, "conf")).toContain("not in the whitelist");
  });
});

function numberIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? Number.NaN);
}
