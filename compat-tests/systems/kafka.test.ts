/**
 * Kafka 3.9 in ZooKeeper mode: brokers start on either build, and an administrator, producers and consumers do what a
 * cluster's users do, while brokers and the ZooKeeper server are stopped and killed under them. Both builds show the same,
 * and Kafka leaves the same tree behind: every znode below /kafka with its data, ACL and version counters.
 *
 * The plays are kafka/Life.java (one broker) and kafka/Cluster.java (two); what they ask for is done here.
 */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { fulfil, traceOf } from "../client/scenarios.ts";
import { dumpTree, type ZnodeDump } from "../disk/tree-dump.ts";
import { compiledJava, quickStart, repositoryFolder } from "../reference/artifacts.ts";
import { ClientProcess } from "../reference/process.ts";
import { type Build, subject, TestServer } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { isShort } from "../shard.ts";
import { KafkaBroker } from "./kafka/broker.ts";

const timeoutMs = 400_000;
/** After so long a play is ended, and its last lines tell where it stood. */
const playTimeoutMs = 300_000;

interface Seen {
  readonly trace: readonly string[];
  readonly tree: readonly string[];
}

// Fetches and compiles, so that no test's time has to pay for it.
beforeAll(() => {
  classes();
}, timeoutMs);

/** The plays, and the znodes whose content a race among clients decides: which broker they ask for a producer's id. */
const plays = [
  { play: "life", raced: [] },
  { play: "cluster", raced: ["/kafka/latest_producer_id_block"] },
];

test.each(isShort ? plays.filter(({ play }) => play === "cluster") : plays)(
  "Kafka lives the same on both servers and leaves the same tree: $play",
  async ({ play, raced }) => {
    const performances = [perform("reference", play, raced), perform(subject, play, raced)] as const;
    // When one fails, the other ends all the same, and leaves no broker behind.
    await Promise.allSettled(performances);
    const [expected, found] = await Promise.all(performances);
    expect(expected.trace.length).toBeGreaterThan(10);
    expect(found.trace).toEqual(expected.trace);
    expect(expected.tree.length).toBeGreaterThan(20);
    expect(found.tree).toEqual(expected.tree);
  },
  timeoutMs,
);

function classes(): string {
  const folder = join(repositoryFolder, "compat-tests", "systems", "kafka");
  const sources = readdirSync(folder).filter((name) => name.endsWith(".java"));
  return compiledJava(
    "kafka",
    sources.map((name) => join(folder, name)),
  );
}

/** A play on a fresh server of that build. */
async function perform(build: Build, play: string, raced: readonly string[]): Promise<Seen> {
  return timed(build, async () => {
    const folder = mkdtempSync(join(tmpdir(), `compat-kafka-${build}-`));
    const server = await new TestServer(build).start();
    const zooKeeper = `127.0.0.1:${server.port}/kafka`;
    const brokers = [1, 2].map((id) => new KafkaBroker(id, join(folder, `broker-${id}`), zooKeeper));
    const program = await actors(zooKeeper, brokers, play);
    const overdue = setTimeout(() => program.kill(), playTimeoutMs);
    try {
      const trace = await traceOf(program, (wish) => fulfilWish(wish, server, brokers));
      const addresses = await Promise.all(brokers.map((broker) => broker.address()));
      const znodes = (await dumpTree(server.port, "/kafka")).filter((znode) => !raced.includes(znode.path));
      return { trace: trace.map((value) => JSON.stringify(value)), tree: masked(znodes, addresses) };
    } catch (error) {
      const outputs = brokers.map((broker) => broker.lastOutput()).join("\n");
      throw new Error(`${build}: ${String(error)}\nafter ${program.lines.slice(-5).join("\n")}\n${outputs}`, {
        cause: error,
      });
    } finally {
      clearTimeout(overdue);
      program.kill();
      await Promise.all(brokers.map((broker) => broker.kill()));
      await server.dispose();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

async function actors(zooKeeper: string, brokers: readonly KafkaBroker[], play: string): Promise<ClientProcess> {
  const addresses = await Promise.all(brokers.map((broker) => broker.address()));
  const words = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-cp", classes(), "Plays", zooKeeper];
  return new ClientProcess("java", [...quickStart, ...words, addresses.join(","), play]);
}

/** "stop broker 2" and the like are about a broker, everything else about the ZooKeeper server. */
async function fulfilWish(wish: string, server: TestServer, brokers: readonly KafkaBroker[]): Promise<void> {
  const [, act, id] = /^(start|stop|kill|pause|resume) broker (\d)$/.exec(wish) ?? [];
  if (act === undefined) {
    await fulfil(wish, server);
    return;
  }
  const broker = brokers[Number(id) - 1];
  if (broker === undefined) throw new Error(`there is no broker for "${wish}"`);
  await broker[act as "start" | "stop" | "kill" | "pause" | "resume"]();
}

/** The tree without what two runs of Kafka on one server differ in: times, random ids, salts, ports. */
function masked(znodes: readonly ZnodeDump[], addresses: readonly string[]): string[] {
  return znodes.map(({ path, data, acl, stat }) => {
    const text = data === null ? "null" : Buffer.from(data, "base64").toString("utf8");
    const owner = stat.ephemeralOwner === "0x0" ? "" : " ephemeral";
    const counters = `v=${stat.version},${stat.cversion},${stat.aversion}`;
    return `${path} ${maskedData(text, addresses)} ${acl.join(",")} ${counters} children=${stat.numChildren}${owner}`;
  });
}

function maskedData(text: string, addresses: readonly string[]): string {
  let rest = text;
  for (const [index, address] of addresses.entries()) {
    const port = address.replace(/.*:/, "");
    rest = rest.replaceAll(port, `PORT${index + 1}`);
  }
  return rest
    .replaceAll(/"timestamp":"\d+"/g, '"timestamp":"T"')
    .replaceAll(/"(id|topic_id)":"[\w-]{22}"/g, '"$1":"ID"')
    .replaceAll(/(salt|stored_key|server_key)=[\w+/=]+/g, "$1=RANDOM");
}
