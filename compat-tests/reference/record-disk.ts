/**
 * Records test/fixtures/disk/: small data folders that a real server wrote, each with what a real server reads in it.
 *
 *   <name>/version-2/...   the files, as the server left them
 *   <name>/expected.json   what ZooKeeper 3.9.5 finds when it opens a copy: last zxid, tree, digest, sessions
 *
 * A recipe is a function that drives a server; the folder it leaves is the fixture. Logs are written without
 * padding so that they stay small, except in `plain`; old snapshots stay, since a loader must choose.
 */

import { cpSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filesOf, lastDigest, readLogs, snapshotDigest, zxidOfName } from "../disk/files.ts";
import { dumpTree, hexOf } from "../disk/tree-dump.ts";
import { WireConnection, type ConnectOptions } from "../wire/connection.ts";
import {
  aclOf,
  auth,
  check,
  closeSession,
  create,
  create2,
  createContainer,
  createTtl,
  flag,
  multi,
  openAcl,
  perm,
  readOnlyAcl,
  remove,
  removeContainer,
  setAcl,
  setData,
  type Request,
} from "../wire/requests.ts";
import { Actor } from "../wire/scene.ts";
import { Names } from "../wire/transcript.ts";
import { TestServer } from "./server.ts";

interface SessionNote {
  readonly id: string;
  readonly password: string;
  readonly timeoutMs: number;
}

/** What a recipe works with: a server on the folder in the making, which may be stopped, killed and configured anew. */
class Stage {
  server: TestServer;
  readonly folder: string;
  readonly sessions: SessionNote[] = [];

  constructor(folder: string, config: Config) {
    this.folder = folder;
    this.server = this.#make(config);
  }

  #make(config: Config): TestServer {
    return new TestServer("reference", { folder: this.folder, config: { preAllocSize: 0, ...config } });
  }

  async restart(config: Config): Promise<void> {
    await this.server.stop();
    this.server = this.#make(config);
    await this.server.start();
  }

  /** A session that stays open: its connection is cut, not closed. */
  async lasting(timeoutMs: number): Promise<Actor> {
    const actor = await this.actor({ timeoutMs });
    const { id, password } = actor.session;
    this.sessions.push({ id: hexOf(id), password: password.toString("hex"), timeoutMs: actor.session.timeoutMs });
    return actor;
  }

  async actor(options: ConnectOptions = {}): Promise<Actor> {
    const actor = new Actor(await WireConnection.open(this.server.port), new Names(0n));
    await actor.connect(options);
    return actor;
  }

  /** Runs requests in a session that is closed afterwards. */
  async play(...requests: readonly Request[]): Promise<void> {
    const actor = await this.actor();
    for (const request of requests) await actor.ask(request);
    await actor.ask(closeSession);
    await actor.untilClosed();
  }
}

type Config = Readonly<Record<string, string | number>>;

export interface DiskRecipe {
  readonly name: string;
  readonly about: string;
  readonly config?: Config;
  build(stage: Stage): Promise<void>;
  /** Changes to the files after the server is gone. */
  finish?(dataFolder: string): void;
}

const someWrites: readonly Request[] = [
  create("/plain", { data: "first" }),
  create("/plain/child", { data: null }),
  create2("/plain/empty", { data: "" }),
  create("/plain/seq-", { flags: flag.persistentSequential }),
  create("/plain/seq-", { flags: flag.persistentSequential, data: Buffer.from([0, 255, 1]) }),
  setData("/plain", "second"),
  setData("/plain", "refused", 9),
  create("/plain"),
  create("/doomed"),
  remove("/doomed"),
  setAcl("/plain/empty", readOnlyAcl),
  multi(create("/m"), create2("/m/a"), setData("/m", "in a multi"), check("/m", 1), remove("/m/a")),
  multi(create("/never"), check("/m", 99)),
  create("/fleeting", { flags: flag.ephemeral }),
  create("/unicode-\u00e9\u4e2d", { data: "\u00e9\u4e2d" }),
];

const moreWrites: readonly Request[] = [
  setData("/plain", "third"),
  create("/after-restart", { data: "log only" }),
  remove("/plain/child"),
];

/** Enough znodes that compression has something to do. */
const manyWrites: readonly Request[] = Array.from({ length: 60 }, (_, index) =>
  create(`/node-${index}`, { data: `data of znode ${index} `.repeat(3) }),
);

function snapshotThenLog(first: readonly Request[], config: Config = {}): (stage: Stage) => Promise<void> {
  return async (stage) => {
    await stage.play(...first);
    await stage.restart(config);
    await stage.play(...moreWrites);
    await stage.server.kill();
  };
}

function compressed(method: string): DiskRecipe {
  return {
    name: method,
    about: `snapshot.compression.method=${method}: a snapshot of some sixty znodes, and a log after it`,
    config: { "snapshot.compression.method": method },
    async build(stage) {
      await stage.play(...someWrites, ...manyWrites);
      await stage.restart({ "snapshot.compression.method": method });
      await stage.play(...moreWrites);
      await stage.server.kill();
    },
  };
}

function sections(name: string, about: string, config: Config): DiskRecipe {
  return {
    name,
    about,
    config,
    async build(stage) {
      await stage.play(...someWrites);
      await stage.restart(config);
      await stage.play(...moreWrites);
      await stage.server.kill();
    },
  };
}

export const diskRecipes: readonly DiskRecipe[] = [
  {
    name: "empty",
    about: "a server started once on an empty folder and stopped: snapshot.0 and no log",
    async build(stage) {
      await stage.server.stop();
    },
  },
  {
    name: "plain",
    about:
      "creates of each kind, setData, setACL, delete, a multi that succeeds and one that fails; two snapshots, padded logs; killed",
    config: { preAllocSize: 4 },
    build: snapshotThenLog(someWrites, { preAllocSize: 4 }),
  },
  compressed("gz"),
  compressed("snappy"),
  sections("no-digest-no-zxid", "neither trailing section in the snapshots, no digest in the log, as 3.5 wrote", {
    "digest.enabled": "false",
    "serializeLastProcessedZxid.enabled": "false",
  }),
  sections("digest-only", "the digest section only, as 3.6 to 3.8 write", {
    "serializeLastProcessedZxid.enabled": "false",
  }),
  {
    name: "fuzzy",
    about: "the newest snapshot was taken while its tree changed: it holds changes above the zxid of its name",
    config: { snapCount: 150 },
    async build(stage) {
      await buildFuzzy(stage);
    },
    finish: keepFuzzySnapshot,
  },
  {
    name: "many-snapshots",
    about: "snapCount=10: the log was rolled and a snapshot taken every few writes",
    config: { snapCount: 10 },
    async build(stage) {
      for (let round = 0; round < 5; round++) {
        await stage.play(...Array.from({ length: 6 }, (_, index) => create(`/r${round}-${index}`)));
      }
      await stage.server.kill();
    },
  },
  {
    name: "ttl-containers",
    about: "container and TTL znodes, used and unused, in the snapshot and in the log; extendedTypesEnabled=true",
    config: { extendedTypesEnabled: "true" },
    async build(stage) {
      await stage.play(
        createContainer("/box", { data: "box" }),
        create("/box/content"),
        createContainer("/unused"),
        createTtl("/ttl", 0xffffffffffn, { data: "longest" }),
        createTtl("/ttl/seq-", 3_600_000, { flags: flag.sequentialTtl }),
        createContainer("/reaped"),
        create("/reaped/x"),
        remove("/reaped/x"),
        removeContainer("/reaped"),
      );
      await stage.restart({ extendedTypesEnabled: "true" });
      await stage.play(createTtl("/late", 86_400_000), createContainer("/late-box"), setData("/ttl", "again"));
      await stage.play(multi(createContainer("/multi-box"), createTtl("/multi-ttl", 7_200_000)));
      await stage.server.kill();
    },
  },
  {
    name: "quota",
    about: "a quota on /q with its statistics, limits changed, usage below and above it",
    async build(stage) {
      await stage.play(
        create("/q", { data: "12345" }),
        create("/q/a", { data: "678" }),
        create("/zookeeper/quota/q", { data: null }),
        create("/zookeeper/quota/q/zookeeper_limits", { data: "count=10,bytes=100" }),
        create("/zookeeper/quota/q/zookeeper_stats", { data: "count=0,bytes=0" }),
        create("/q/b", { data: "x".repeat(200) }),
      );
      await stage.restart({});
      await stage.play(
        setData("/zookeeper/quota/q/zookeeper_limits", "count=20,bytes=200=;byteHardLimit=1000;countHardLimit=50"),
        create("/q/c", { data: "yy" }),
        remove("/q/a"),
      );
      await stage.server.kill();
    },
  },
  {
    name: "acls",
    about: "ACL lists of every scheme, shared and changed, with unknown perms, and null beside empty data",
    build: buildAcls,
  },
  {
    name: "ephemerals-sessions",
    about: "sessions open at the crash, with and without ephemerals, in the snapshot and in the log; one closed",
    async build(stage) {
      const early = await stage.lasting(20_000);
      await early.pipeline([
        create("/members"),
        create("/members/early", { flags: flag.ephemeral, data: "e" }),
        create("/members/seq-", { flags: flag.ephemeralSequential }),
      ]);
      await stage.lasting(40_000);
      await stage.restart({});
      const late = await stage.lasting(30_000);
      await late.pipeline([
        create("/members/late", { flags: flag.ephemeral }),
        multi(create("/members/in-multi", { flags: flag.ephemeral }), setData("/members", "changed")),
      ]);
      await stage.play(create("/members/closed", { flags: flag.ephemeral }));
      await stage.server.kill();
    },
  },
  {
    name: "torn-tail",
    about: "the last record of the last log lacks its second half: a crash in the middle of a write",
    build: snapshotThenLog(someWrites),
    finish(dataFolder) {
      const last = readLogs(dataFolder).at(-1)!;
      truncateSync(last.file, last.offset + 12 + Math.floor(last.payload.length / 2));
    },
  },
  {
    name: "log-only",
    about: "killed right after its first writes: everything but the empty tree is in the log",
    async build(stage) {
      await stage.play(...someWrites);
      await stage.server.kill();
    },
  },
];

async function buildAcls(stage: Stage): Promise<void> {
  const actor = await stage.actor();
  await actor.ask(auth("digest", "ann:secret"));
  await actor.ask(auth("digest", "bob:hidden"));
  const requests = [
    create("/world", { acl: openAcl }),
    create("/read-only", { acl: readOnlyAcl, data: null }),
    create("/auth", { acl: [aclOf(perm.all, "auth", "")] }),
    create("/digest", { acl: [aclOf(perm.read | perm.write, "digest", "ann:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=")] }),
    create("/ip", { acl: [aclOf(perm.all, "ip", "127.0.0.1"), aclOf(perm.read, "ip", "10.0.0.0/8")] }),
    create("/odd", { acl: [aclOf(0, "world", "anyone"), aclOf(999, "ip", "127.0.0.1")], data: "" }),
    create("/auth/shared-1", { acl: readOnlyAcl }),
    create("/auth/shared-2", { acl: [...readOnlyAcl, ...readOnlyAcl] }),
    setAcl("/world", [...readOnlyAcl, aclOf(perm.all, "auth", "")]),
    setAcl("/", [aclOf(perm.all, "world", "anyone")]),
  ];
  for (const request of requests) await actor.ask(request);
  await actor.ask(closeSession);
  await actor.untilClosed();
  await stage.restart({});
  await stage.play(create("/late", { acl: readOnlyAcl }), setAcl("/late", openAcl));
  await stage.server.kill();
}

/** Writes in big pieces until some snapshot was overtaken by them. */
async function buildFuzzy(stage: Stage): Promise<void> {
  const actor = await stage.actor();
  const paths = Array.from({ length: 60 }, (_, index) => `/z${index}`);
  await actor.pipeline(paths.map((path) => create(path, { data: "0" })));
  for (let round = 1; findFuzzySnapshot(stage.server.dataFolder) === null; round++) {
    if (round > 200) throw new Error("no snapshot was overtaken by writes");
    const changes = paths.map((path, index) =>
      index % 10 === round % 10 ? remove(path) : setData(path, `${round}-${index}`),
    );
    const again = paths.filter((_, index) => index % 10 === round % 10).map((path) => create(path, { data: "again" }));
    await actor.pipeline([...changes, ...again]);
  }
  await stage.server.kill();
}

function findFuzzySnapshot(dataFolder: string): string | null {
  const names = filesOf(dataFolder, "snapshot").slice(1, -1);
  const isFuzzy = (name: string): boolean =>
    snapshotDigest(join(dataFolder, "version-2", name)).zxid > zxidOfName(name);
  return names.findLast(isFuzzy) ?? null;
}

/** Leaves the fuzzy snapshot as the only one, and the logs that lead on from it, the first of them included. */
function keepFuzzySnapshot(dataFolder: string): void {
  const kept = findFuzzySnapshot(dataFolder);
  if (kept === null) throw new Error("the fuzzy snapshot is gone");
  const keptZxid = zxidOfName(kept);
  const remove = (name: string): void => rmSync(join(dataFolder, "version-2", name));
  for (const name of filesOf(dataFolder, "snapshot")) if (name !== kept) remove(name);
  const logs = filesOf(dataFolder, "log");
  const firstNeeded = logs.findLastIndex((name) => zxidOfName(name) <= keptZxid);
  for (const name of logs.slice(0, Math.max(firstNeeded, 0))) remove(name);
  for (const name of logs.slice(firstNeeded + 3)) remove(name);
}

/** Makes the fixture of a recipe below `target`. */
export async function recordDisk(recipe: DiskRecipe, target: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "compat-fixture-"));
  try {
    const stage = new Stage(work, recipe.config ?? {});
    await stage.server.start();
    await recipe.build(stage);
    recipe.finish?.(stage.server.dataFolder);
    const folder = join(target, recipe.name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    cpSync(join(stage.server.dataFolder, "version-2"), join(folder, "version-2"), { recursive: true });
    const expected = await readByReference(folder, recipe.config ?? {});
    const sessions = recipe.name === "ephemerals-sessions" ? stage.sessions : [];
    const content = { zookeeper: "3.9.5", about: recipe.about, config: recipe.config ?? {}, ...expected, sessions };
    writeFileSync(join(folder, "expected.json"), `${toJson(content)}\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Opens a copy with a real server and says what it found there. */
async function readByReference(folder: string, config: Config): Promise<object> {
  const work = mkdtempSync(join(tmpdir(), "compat-reading-"));
  const server = new TestServer("reference", { folder: work, config });
  try {
    cpSync(join(folder, "version-2"), join(server.dataFolder, "version-2"), { recursive: true });
    const digest = lastDigest(server.dataFolder);
    const lastRecord = readLogs(server.dataFolder).at(-1)?.zxid ?? 0n;
    await server.start();
    const zxid = /Zxid: (0x[0-9a-f]+)/.exec(await server.fourLetterWord("srvr"))?.[1] ?? "";
    const tree = await dumpTree(server.port);
    return {
      zxid,
      lastRecordZxid: hexOf(lastRecord),
      digest: digest === null ? null : { zxid: hexOf(digest.zxid), digest: hexOf(digest.digest) },
      tree,
    };
  } finally {
    await server.dispose();
    rmSync(work, { recursive: true, force: true });
  }
}

/** JSON with one znode a line. */
function toJson(content: object): string {
  const lines = Object.entries(content).map(([key, value]) => {
    const isList = Array.isArray(value) && value.length > 0;
    const text = isList ? `[\n  ${value.map((item) => JSON.stringify(item)).join(",\n  ")}\n ]` : JSON.stringify(value);
    return ` ${JSON.stringify(key)}: ${text}`;
  });
  return `{\n${lines.join(",\n")}\n}`;
}
