/**
 * Three members as processes: what one of them acknowledged, all of them have, whoever is killed.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EnsembleProcess } from "../support/ensemble-process.ts";
import { freePort } from "../support/free-port.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { fourLetterWord, WireClient } from "../support/wire-client.ts";
import { flag } from "../support/wire-frames.ts";

const ours = ["ours", "ours", "ours"] as const;

async function connectTo({ port }: ServerProcess): Promise<WireClient> {
  return WireClient.connect(port);
}

describe("an ensemble", () => {
  test("serves the same through every member, in the order of each client's requests", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds: [...ours, "ours"], observers: 1 });
    const modes = await Promise.all(ensemble.servers.map((server) => ensemble.modeOf(server)));
    expect(modes.toSorted()).toEqual(["follower", "follower", "leader", "observer"]);
    const clients = await Promise.all(ensemble.servers.map(connectTo));
    for (const [i, client] of clients.entries()) {
      await client.create(`/from-${i}`, `data ${i}`);
      const set = client.setData(`/from-${i}`, "newer");
      const got = client.getData(`/from-${i}`);
      expect((await set).version).toBe(1);
      expect((await got).data?.toString()).toBe("newer");
    }
    for (const client of clients) {
      await client.sync("/");
      const names = await client.getChildren("/");
      expect(names.toSorted()).toEqual(["from-0", "from-1", "from-2", "from-3", "zookeeper"]);
      client.drop();
    }
  });

  test("tells a watcher at one member what is changed through another, and ends ephemerals with their session", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds: ours });
    const [first, second, third] = (await Promise.all(ensemble.servers.map(connectTo))) as [
      WireClient,
      WireClient,
      WireClient,
    ];
    await first.create("/e", "", flag.ephemeral);
    await third.sync("/");
    expect(await third.exists("/e", true)).not.toBeNull();
    await second.setData("/e", "x");
    expect(await third.nextEvent()).toMatchObject({ type: 3, path: "/e" });
    expect(await third.exists("/e", true)).not.toBeNull();
    await first.closeSession();
    expect(await third.nextEvent()).toMatchObject({ type: 2, path: "/e" });
    second.drop();
    third.drop();
  });

  test("takes a session over at another member, and ends it when nobody is heard of", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds: ours, settings: { minSessionTimeout: 500 } });
    const [first, second, third] = ensemble.servers as [ServerProcess, ServerProcess, ServerProcess];
    const client = await WireClient.open(first.port);
    const session = await client.handshake({ timeoutMs: 1500 });
    await client.create("/e", "", flag.ephemeral);
    client.drop();
    const moved = await WireClient.open(second.port);
    expect(await moved.handshake({ timeoutMs: 1500, session: session! })).toMatchObject({ id: session!.id });
    expect(await moved.exists("/e")).not.toBeNull();
    const watcher = await connectTo(third);
    await watcher.sync("/");
    expect(await watcher.exists("/e", true)).not.toBeNull();
    moved.drop();
    expect(await watcher.nextEvent()).toMatchObject({ type: 2, path: "/e" });
    watcher.drop();
  });

  test("lets a session in at the leader as soon as a follower has told its client of it", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds: ours });
    const leader = await ensemble.leader();
    const follower = ensemble.servers.find((server) => server !== leader)!;
    for (let i = 0; i < 200; i++) {
      const client = await WireClient.open(follower.port);
      const moved = await WireClient.open(leader.port);
      const session = await client.handshake({ timeoutMs: 4000 });
      expect(await moved.handshake({ timeoutMs: 4000, session: session! })).toMatchObject({ id: session!.id });
      client.drop();
      moved.drop();
    }
  });

  test("loses nothing that it acknowledged when one member after the other is killed", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds: ours, settings: { snapCount: 200, preAllocSize: 64 } });
    const acknowledged: string[] = [];
    let next = 0;
    for (let round = 0; round < 6; round++) {
      const victim = round % 2 === 0 ? await ensemble.leader() : ensemble.servers[round % 3]!;
      const at = ensemble.servers[(round + 1) % 3]!;
      const client = await connectTo(at);
      const stop = Promise.withResolvers<void>();
      const write = async (): Promise<never> => {
        for (;;) {
          const path = `/n-${next++}`;
          await client.create(path);
          acknowledged.push(path);
          if (acknowledged.length % 150 === 0) stop.resolve();
        }
      };
      const writing = Promise.allSettled(Array.from({ length: 8 }, write));
      await stop.promise;
      await victim.kill();
      client.drop();
      await writing;
      victim.launch();
      await ensemble.settled();
    }
    const digests = new Set<string>();
    for (const server of ensemble.servers) {
      const client = await connectTo(server);
      await client.sync("/");
      const names = new Set(await client.getChildren("/"));
      expect(acknowledged.filter((path) => !names.has(path.slice(1)))).toEqual([]);
      digests.add([...names].toSorted().join());
      client.drop();
      expect(await fourLetterWord(server.port, "mntr")).toMatch(/^zk_digest_mismatches_count\t0$/m);
    }
    expect(digests.size).toBe(1);
  });

  test("serves nobody without a quorum, and goes on when there is one again", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds: ours });
    const [first, second, third] = ensemble.servers as [ServerProcess, ServerProcess, ServerProcess];
    const before = await connectTo(first);
    await before.create("/a");
    await Promise.all([second.kill(), third.kill()]);
    await before.ended;
    expect(await fourLetterWord(first.port, "srvr")).toContain("not currently serving requests");
    second.launch();
    await ensemble.settled();
    const after = await connectTo(second);
    expect(await after.exists("/a")).not.toBeNull();
    after.drop();
  });

  test("does without the first of each member's two addresses, where the others are refused", async () => {
    await using ensemble = await EnsembleProcess.prepare({ kinds: ours, settings: { "multiAddress.enabled": "true" } });
    const seconds = await Promise.all(ours.map(async () => `127.0.0.1:${await freePort()}:${await freePort()}`));
    for (const [i, { configPath }] of ensemble.servers.entries()) {
      const lines = readFileSync(configPath, "utf8").replaceAll(
        /^(server\.(\d)=)(.*):participant$/gm,
        (_, key, sid, first) => {
          // Nobody listens on the ports 1 and 2.
          return `${key}${sid === String(i + 1) ? first : "127.0.0.1:1:2"}|${seconds[Number(sid) - 1]}:participant`;
        },
      );
      writeFileSync(configPath, lines);
    }
    for (const server of ensemble.servers) server.launch();
    await ensemble.settled();
    await writeEverywhere(ensemble, "before");
    const leader = await ensemble.leader();
    await leader.kill();
    await ensemble.settled();
    leader.launch();
    await ensemble.settled();
    await writeEverywhere(ensemble, "after");
  });

  test("does without a member whose log is damaged, and gives it the whole tree when it comes back without it", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds: ours });
    const [first, second] = ensemble.servers as [ServerProcess, ServerProcess, ServerProcess];
    const client = await connectTo(second);
    for (let i = 0; i < 20; i++) await client.create(`/n-${i}`, "some data");
    await first.kill();
    const folder = join(first.folder, "data", "version-2");
    const damage = damageLastRecord(folder);
    first.launch();
    expect(await first.exited).toMatchObject({ code: 1 });
    expect(first.stderr).toContain(`${damage.path}: damaged at offset ${damage.offset}`);
    expect(first.stdout).toContain(`with an empty file ${folder}/rejoin`);
    await client.create("/meanwhile");
    // What it advised.
    renameSync(folder, `${folder}.damaged`);
    mkdirSync(folder);
    writeFileSync(join(folder, "rejoin"), "");
    first.launch();
    await ensemble.settled();
    const back = await connectTo(first);
    await back.sync("/");
    expect(await back.getChildren("/")).toHaveLength(20 + 2);
    expect(existsSync(join(folder, "rejoin"))).toBe(false);
    back.drop();
    client.drop();
  });

  test("writes the snapshots that members have lost when they are told to trust their logs alone", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds: ours, settings: { "snapshot.trust.empty": "true" } });
    const before = await connectTo(ensemble.servers[0]!);
    await before.create("/a");
    before.drop();
    for (const server of ensemble.servers) {
      await server.kill();
      for (const path of snapshotsOf(server)) rmSync(path);
    }
    for (const server of ensemble.servers) server.launch();
    await ensemble.settled();
    for (const server of ensemble.servers) {
      expect(snapshotsOf(server)).toHaveLength(1);
      const after = await connectTo(server);
      expect(await after.exists("/a")).not.toBeNull();
      after.drop();
    }
  });

  test("advises a member to rejoin when none of its snapshots is whole", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds: ours });
    const [first] = ensemble.servers as [ServerProcess];
    await first.kill();
    const folder = join(first.folder, "data", "version-2");
    const path = join(folder, "snapshot.0");
    const bytes = readFileSync(path);
    bytes[100]! ^= 1;
    writeFileSync(path, bytes);
    first.launch();
    expect(await first.exited).toMatchObject({ code: 1 });
    expect(first.stdout).toContain(`problem reading snap file ${path}: ${path}: damaged at offset`);
    expect(first.stdout).toContain(`with an empty file ${folder}/rejoin`);
  });
});

/** Expects that every member takes a write, and has those of the others. */
async function writeEverywhere({ servers }: EnsembleProcess, name: string): Promise<void> {
  const clients = await Promise.all(servers.map(connectTo));
  for (const [i, client] of clients.entries()) await client.create(`/${name}-${i}`);
  for (const client of clients) {
    await client.sync("/");
    const names = await client.getChildren("/");
    expect(names.filter((one) => one.startsWith(name))).toHaveLength(servers.length);
    client.drop();
  }
}

function snapshotsOf({ folder }: ServerProcess): string[] {
  const names = readdirSync(join(folder, "data", "version-2"));
  return names.filter((name) => name.startsWith("snapshot.")).map((name) => join(folder, "data", "version-2", name));
}

/** Changes a byte of the newest log's last record. @returns where that record begins. */
function damageLastRecord(folder: string): { path: string; offset: number } {
  const newest = readdirSync(folder)
    .filter((name) => name.startsWith("log."))
    .toSorted((a, b) => Number.parseInt(a.slice(4), 16) - Number.parseInt(b.slice(4), 16))
    .at(-1)!;
  const path = join(folder, newest);
  const bytes = readFileSync(path);
  let offset = 16;
  const endOf = (at: number): number => at + 13 + bytes.readInt32BE(at + 8);
  while (bytes.readInt32BE(endOf(offset) + 8) > 0) offset = endOf(offset);
  bytes[offset + 50]! ^= 1;
  writeFileSync(path, bytes);
  return { path, offset };
}
