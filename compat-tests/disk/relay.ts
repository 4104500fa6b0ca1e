/**
 * A data folder handed from server to server, like a baton. Each runner starts on what the one before it left, shows the
 * same tree, the same last zxid and digests that agree, finds the sessions that were open, writes on, and is stopped or
 * killed.
 *
 * The digest is checked by the reference itself: replaying a log it compares the digest in every transaction with its
 * own tree's and counts what differs.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { type Build, superUser, TestServer } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import {
  aclOf,
  auth,
  check,
  create,
  create2,
  createContainer,
  createTtl,
  exists,
  flag,
  getEphemerals,
  multi,
  readOnlyAcl,
  remove,
  setAcl,
  setData,
  type Request,
} from "../wire/requests.ts";
import { type Actor, Scene } from "../wire/scene.ts";
import { dumpText, dumpTree } from "./tree-dump.ts";

export interface Leg {
  readonly build: Build;
  readonly end: "stop" | "kill";
  readonly config?: Readonly<Record<string, string | number>>;
}

export interface RelayOptions {
  readonly legs: readonly Leg[];
  readonly config?: Readonly<Record<string, string | number>>;
  /** Logs in a folder of their own. */
  readonly separateLogs?: boolean;
  /** TTL and container znodes among the writes. */
  readonly extended?: boolean;
  /** Writes of each leg beyond one of every kind. */
  readonly bulk?: number;
}

interface Baton {
  tree: string;
  zxid: string;
  sessions: Actor["session"][];
  readonly digests: Map<string, string>;
}

const sessionTimeoutMs = 30_000;

/** Runs the relay and checks every handing over. */
export async function relay(options: RelayOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "compat-relay-"));
  const baton: Baton = { tree: "", zxid: "0x0", sessions: [], digests: new Map() };
  try {
    for (const [round, leg] of options.legs.entries()) {
      const server = new TestServer(leg.build, { folder, config: configOf(options, leg, folder) });
      try {
        await timed(leg.build, async () => {
          await server.start();
          if (round > 0) await receive(server, baton, round);
          await write(server, round, options);
          await handOver(server, baton, round);
          await (leg.end === "stop" ? server.stop() : server.kill());
        });
      } finally {
        await server.kill();
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function configOf(options: RelayOptions, leg: Leg, folder: string): Record<string, string | number> {
  return {
    ...(options.separateLogs === true ? { dataLogDir: join(folder, "logs") } : {}),
    ...(options.extended === true ? { extendedTypesEnabled: "true" } : {}),
    ...options.config,
    ...leg.config,
  };
}

async function receive(server: TestServer, baton: Baton, round: number): Promise<void> {
  const where = `round ${round}, ${server.build}`;
  expect(zxidOf(await server.fourLetterWord("srvr")), where).toBe(baton.zxid);
  expect(dumpText(await dumpTree(server.port)), where).toBe(baton.tree);
  expect(await server.fourLetterWord("mntr"), where).toContain("zk_digest_mismatches_count\t0\n");
  await compareDigests(server, baton, where);
  const scene = await Scene.open(server.port);
  for (const { id, password } of baton.sessions.splice(0)) {
    const again = await scene.actor("again", { sessionId: id, password, timeoutMs: sessionTimeoutMs });
    expect(again.isClosed, where).toBe(false);
    const owned = await again.ask(getEphemerals("/"));
    expect(owned?.body.readInt32BE(0), where).toBe(2);
  }
  await scene.end();
}

async function write(server: TestServer, round: number, options: RelayOptions): Promise<void> {
  const scene = await Scene.open(server.port);
  const a = await scene.actor("a");
  await a.ask(auth("digest", superUser));
  await a.pipeline(oneOfEach(round));
  if (options.extended === true) await a.pipeline(extendedWrites(round));
  const paths = Array.from({ length: options.bulk ?? 0 }, (_, index) => `/bulk-${round}-${index}`);
  for (let from = 0; from < paths.length; from += 100) {
    const some = paths.slice(from, from + 100);
    await a.pipeline(some.map((path) => create(path, { data: `${path} `.repeat(8) })));
    await a.pipeline(some.filter((_, index) => index % 3 === 0).map((path) => setData(path, "changed")));
    await a.pipeline(some.filter((_, index) => index % 7 === 0).map((path) => remove(path)));
  }
  await scene.end();
}

/** A write of every kind, and refusals; `round` keeps the names apart. */
export function oneOfEach(round: number): Request[] {
  const base = `/round-${round}`;
  const before = `/round-${round - 1}`;
  return [
    create(base, { data: `${round}` }),
    create(`${base}/null`, { data: null }),
    create2(`${base}/read-only`, { acl: readOnlyAcl }),
    create(`${base}/seq-`, { flags: flag.persistentSequential }),
    create("/seq-", { flags: flag.persistentSequential }),
    setData(base, "changed", 0),
    setData(base, "refused", 0),
    setAcl(`${base}/null`, [aclOf(31, "world", "anyone"), aclOf(1, "ip", "10.0.0.0/8")]),
    multi(
      create(`${base}/multi`),
      setData(base, "again"),
      check(base, 2),
      create(`${base}/multi/x`),
      remove(`${base}/multi/x`),
    ),
    multi(create(`${base}/never`), check(base, 77)),
    create(`${base}/doomed`),
    remove(`${base}/doomed`),
    create(`/zookeeper/quota${base}`),
    create(`/zookeeper/quota${base}/zookeeper_limits`, { data: "count=100,bytes=1000" }),
    create(`/zookeeper/quota${base}/zookeeper_stats`),
    create(`${base}/counted`, { data: "12345" }),
    remove(`${before}/null`),
    setData(before, "by the next"),
    create(`${before}/late-`, { flags: flag.persistentSequential }),
    create(`${base}/fleeting`, { flags: flag.ephemeral }),
  ];
}

/** The kinds that need extendedTypesEnabled. */
export function extendedWrites(round: number): Request[] {
  return [
    createContainer(`/box-${round}`),
    create(`/box-${round}/content`),
    createTtl(`/ttl-${round}`, 3_600_000, { data: "an hour" }),
    createTtl("/ttl-seq-", 3_600_000, { flags: flag.sequentialTtl }),
    multi(createContainer(`/multi-box-${round}`), createTtl(`/multi-ttl-${round}`, 3_600_000)),
    setData(`/ttl-${round - 1}`, "by the next"),
  ];
}

/** Leaves two sessions open, each with two ephemerals, and notes what the next one must find. */
async function handOver(server: TestServer, baton: Baton, round: number): Promise<void> {
  const scene = await Scene.open(server.port);
  for (const name of ["first", "second"]) {
    const lasting = await scene.actor(name, { timeoutMs: sessionTimeoutMs });
    await lasting.ask(create(`/${name}-${round}`, { flags: flag.ephemeral, data: name }));
    await lasting.ask(create(`/${name}-${round}-`, { flags: flag.ephemeralSequential }));
    baton.sessions.push(lasting.session);
  }
  await compareDigests(server, baton, `round ${round}, ${server.build}`);
  baton.tree = dumpText(await dumpTree(server.port));
  const probe = await scene.actor("probe");
  await probe.ask(exists("/"));
  baton.zxid = zxidOf(await server.fourLetterWord("srvr"));
}

function zxidOf(srvr: string): string {
  return /^Zxid: (0x[0-9a-f]+)$/m.exec(srvr)?.[1] ?? "none";
}

/** Digests that two servers remember of one zxid must agree. */
async function compareDigests(server: TestServer, baton: Baton, where: string): Promise<void> {
  for (const line of (await server.fourLetterWord("hash")).split("\n")) {
    const [zxid, digest] = line.split(": ");
    if (zxid === undefined || digest === undefined) continue;
    expect(digest, `digest at zxid 0x${zxid}, ${where}`).toBe(baton.digests.get(zxid) ?? digest);
    baton.digests.set(zxid, digest);
  }
}
