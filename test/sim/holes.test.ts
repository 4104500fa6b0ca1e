/**
 * Holes that 3.9.5 has, by its source, by patches that were never merged, or by reports that nobody has closed: each as a scenario in
 * which they would show. The names are those of ZooKeeper's issues. After each, everybody starts once more, and all that was
 * acknowledged must be there, once, and the same everywhere.
 */

import { describe, expect, it } from "vitest";
import { dumpTree } from "../support/tree-dump.ts";
import { openAcl } from "../support/wire-frames.ts";
import {
  ask,
  begun,
  clientAt,
  cutOff,
  judged,
  leaderOf,
  logAlone,
  othersThan,
  patientClientAt,
  restarted,
  serving,
  some,
} from "./scenes.ts";
import type { SimEnsemble } from "./sim-ensemble.ts";
import type { SimMember } from "./sim-member.ts";
import { create } from "./workload.ts";

/** Moments at which something happens, so that every step is hit by one of them. */
const momentsMs = Array.from({ length: 24 }, (_, i) => i * 1.5);

function pathsAt(ensemble: SimEnsemble, sid: number): string[] {
  return Object.keys(dumpTree(ensemble.member(sid).server!.serving!.database.tree));
}

function expectNowhere(ensemble: SimEnsemble, path: string): void {
  for (const { sid, isUp } of ensemble.members)
    if (isUp) expect(pathsAt(ensemble, sid), `server ${sid}`).not.toContain(path);
}

describe("what was logged by one server alone", () => {
  it.each([
    ["ZOOKEEPER-1549: a znode", 0],
    ["ZOOKEEPER-4837: an ephemeral znode", 1],
  ])("is in no snapshot that outlives it, though that server was about to lead with it: %s", async (_name, flags) => {
    for (const [index, moment] of momentsMs.entries()) {
      const ensemble = await begun({ config: { snapCount: 2 } });
      const old = await leaderOf(ensemble);
      const [one, two] = othersThan(ensemble, old) as [SimMember, SimMember];
      await clientAt(ensemble, old);
      one.end(() => true, true);
      two.end(() => true, true);
      await logAlone(ensemble, old, [create("/alone", flags), ...some(3)]);
      // It comes back, is elected for what it has, and dies somewhere on the way to being a leader.
      old.start();
      one.start();
      await ensemble.until(() => old.server?.peer?.leading !== null, 5_000);
      await ensemble.pass(moment);
      old.end(() => true, true);
      two.start();
      await serving(ensemble, one, two);
      // With nothing behind it the tail is cut off, else a tree takes its place.
      if (index % 2 === 0) await ask(ensemble, one, some(3));
      await judged(ensemble);
    }
  });

  it.each([0, 1])("ZOOKEEPER-1549: nor in one that is taken when that server gives up (flags %i)", async (flags) => {
    const ensemble = await begun({ config: { snapCount: 2 } });
    const old = await leaderOf(ensemble);
    const client = await clientAt(ensemble, old);
    cutOff(ensemble, old);
    for (const request of [create("/alone", flags), ...some(3)]) client.ask(request);
    client.drop();
    const others = othersThan(ensemble, old);
    const isDeposed = (): boolean => ensemble.leader !== null && ensemble.leader !== old && !old.isServing;
    expect(await ensemble.until(isDeposed, 10_000)).toBe(true);
    await serving(ensemble, ...others);
    ensemble.network.heal();
    await serving(ensemble, ...ensemble.members);
    expect(ensemble.syncs.get("TRUNC")).toBe(1);
    await judged(ensemble);
    expectNowhere(ensemble, "/alone");
  });

  it("costs nobody a vote who dies while it is cut off", async () => {
    for (const moment of momentsMs) {
      const ensemble = await begun();
      const old = await leaderOf(ensemble);
      await ask(ensemble, old, some(2));
      const client = await clientAt(ensemble, old);
      cutOff(ensemble, old);
      for (const request of [create("/alone"), ...some(3)]) client.ask(request);
      const isDeposed = (): boolean => ensemble.leader !== null && ensemble.leader !== old && !old.isServing;
      expect(await ensemble.until(isDeposed, 10_000)).toBe(true);
      const leader = await leaderOf(ensemble);
      const [third] = othersThan(ensemble, old, leader) as [SimMember];
      await serving(ensemble, leader, third);
      ensemble.network.heal();
      expect(await ensemble.until(() => ensemble.syncs.get("TRUNC") === 1, 10_000)).toBe(true);
      await ensemble.pass(moment);
      old.crash(true);
      third.crash(false);
      old.start();
      await serving(ensemble, old, leader);
      await ask(ensemble, old, some(2));
      expectNowhere(ensemble, "/alone");
      await judged(ensemble);
    }
  });

  it("ZOOKEEPER-1549: nor in one that began before, and is still being written when that server gives up", async () => {
    // One slice of a snapshot, and several.
    for (const dataBytes of [10, 300_000]) {
      const lines: string[] = [];
      let watched: SimMember | null = null;
      const onLine = (line: string): void => {
        lines.push(line);
        if (watched !== null && line.includes(` ${watched.sid} info Peer state changed: settling`)) {
          void watched.server!.replica!.store.snapshots.take();
        }
      };
      const ensemble = await begun({ clients: 2, diskMsMax: 20, onLine });
      const old = await leaderOf(ensemble);
      watched = old;
      const client = await patientClientAt(ensemble, old);
      const set = (path: string, data: string): void => client.ask({ op: "setData", path, data, version: -1 });
      for (const path of ["/r0", "/r1"]) set(path, "x".repeat(dataBytes));
      expect(await ensemble.until(() => client.waitingCount === 0, 5_000)).toBe(true);
      cutOff(ensemble, old);
      set("/r0", "alone");
      set("/r2", "alone");
      const isDeposed = (): boolean => ensemble.leader !== null && ensemble.leader !== old && !old.isServing;
      expect(await ensemble.until(isDeposed, 10_000)).toBe(true);
      await serving(ensemble, ...othersThan(ensemble, old));
      watched = null;
      ensemble.network.heal();
      await serving(ensemble, ...ensemble.members);
      expect(ensemble.syncs.get("TRUNC")).toBe(1);
      expect(lines.filter((line) => line.includes("is given up"))).toHaveLength(1);
      await judged(ensemble);
    }
  });

  it("ZOOKEEPER-1549: nor in one that other servers have written like that", async () => {
    const ensemble = await begun();
    const old = await leaderOf(ensemble);
    await ask(ensemble, old, some(2));
    const { lastZxidLow } = old.server!.replica!.database.tree;
    const others = othersThan(ensemble, old);
    const client = await clientAt(ensemble, old);
    cutOff(ensemble, old);
    for (const request of [create("/alone"), ...some(3)]) client.ask(request);
    const isDeposed = (): boolean => ensemble.leader !== null && ensemble.leader !== old && !old.isServing;
    expect(await ensemble.until(isDeposed, 10_000)).toBe(true);
    await ensemble.pass(100);
    // It begins where all have the same, and holds what this server applied while it was written.
    const { snapshots } = old.server!.replica!.store;
    void snapshots.take();
    await ensemble.pass(500);
    const folder = "/data/version-2";
    const taken = old.disk.names(folder).find((name) => name.startsWith("snapshot.1"))!;
    old.end(() => true, true);
    old.disk.put(`${folder}/snapshot.10000000${lastZxidLow}`, old.disk.get(`${folder}/${taken}`));
    old.disk.drop(`${folder}/${taken}`);
    ensemble.network.heal();
    const trees = ensemble.syncs.get("SNAP") ?? 0;
    old.start();
    await serving(ensemble, old, ...others);
    expect(ensemble.syncs.get("TRUNC")).toBe(1);
    expect(ensemble.syncs.get("SNAP")).toBe(trees + 1);
    await judged(ensemble);
    expectNowhere(ensemble, "/alone");
  });

  it("ZOOKEEPER-2832: is cut off where the leader's newer epoch has no transactions yet", async () => {
    for (const isOldLeaderBack of [true, false]) {
      const ensemble = await begun();
      const old = await leaderOf(ensemble);
      const others = othersThan(ensemble, old);
      await logAlone(ensemble, old, [create("/alone"), ...some(3)]);
      await serving(ensemble, ...others);
      const leader = await leaderOf(ensemble);
      for (const member of others) member.crash(false);
      const partner = isOldLeaderBack ? leader : others.find((member) => member !== leader)!;
      old.start();
      partner.start();
      await serving(ensemble, old, partner);
      await ask(ensemble, partner, some(2));
      await judged(ensemble);
      expectNowhere(ensemble, "/alone");
    }
  });

  it("ZOOKEEPER-2846: is not sent to others out of the files of a server that was sent a tree over it", async () => {
    const ensemble = await begun({ voters: 5, config: { snapCount: 5, snapshotSizeFactor: 0 } });
    const [behind] = ensemble.members;
    behind!.crash(false);
    const old = await leaderOf(ensemble);
    await ask(ensemble, old, some(3));
    // A second epoch, so that a tail of the first cannot be cut: it has to be sent a tree.
    await restarted(ensemble, ...othersThan(ensemble, behind!));
    const leader = await leaderOf(ensemble);
    await logAlone(ensemble, leader, [create("/alone"), ...some(3)]);
    const others = othersThan(ensemble, behind!, leader);
    await serving(ensemble, ...others);
    await ask(ensemble, others[0]!, some(12));
    leader.start();
    await serving(ensemble, leader, ...others);
    await ask(ensemble, leader, some(2));
    await restarted(ensemble, leader, ...others);
    await ask(ensemble, leader, some(2));
    behind!.start();
    await serving(ensemble, behind!);
    await judged(ensemble);
    expectNowhere(ensemble, "/alone");
  });

  it("ZOOKEEPER-5010: is no ephemeral znode of anybody's, when its leader dies within the create", async () => {
    for (const moment of momentsMs) {
      const ensemble = await begun({ voters: 5 });
      const leader = await leaderOf(ensemble);
      const client = await clientAt(ensemble, leader);
      client.ask(create("/mine", 1));
      await ensemble.pass(moment / 6);
      leader.end(() => true, true);
      client.drop();
      await serving(ensemble, ...othersThan(ensemble, leader));
      leader.start();
      await judged(ensemble);
      expectNowhere(ensemble, "/mine");
    }
  });

  it("ZOOKEEPER-3526: is cut off behind a spell of reads without a quorum", async () => {
    const lines: string[] = [];
    const properties = { "readonlymode.enabled": "true" };
    const ensemble = await begun({ properties, config: { snapCount: 5 }, onLine: (line) => lines.push(line) });
    const old = await leaderOf(ensemble);
    const others = othersThan(ensemble, old);
    await logAlone(ensemble, old, [create("/alone"), ...some(2)]);
    cutOff(ensemble, old);
    old.start();
    await serving(ensemble, ...others);
    await ask(ensemble, others[0]!, some(9));
    const isReadOnly = (): boolean => old.server?.serving?.isReadOnly === true;
    expect(await ensemble.until(isReadOnly, 10_000)).toBe(true);
    ensemble.network.heal();
    await serving(ensemble, ...ensemble.members);
    expect(lines.filter((line) => line.includes("Read-only server started"))).not.toEqual([]);
    await judged(ensemble);
    expectNowhere(ensemble, "/alone");
  });
});

describe("a server that is brought up to date", () => {
  // What a later epoch has written is not cut to here, but sent with the tree.
  it.each([
    ["TRUNC", 0],
    ["SNAP", 5],
  ] as const)("ZOOKEEPER-5094: and loses its leader behind a %s, has no hole in its log", async (way, written) => {
    let count = 0;
    for (const moment of momentsMs) {
      const ensemble = await begun();
      const old = await leaderOf(ensemble);
      const others = othersThan(ensemble, old);
      await logAlone(ensemble, old, [create("/alone"), ...some(2)]);
      await serving(ensemble, ...others);
      if (written > 0) await ask(ensemble, others[0]!, some(written));
      ensemble.onSync = (mode, _leader, learner) => {
        if (mode !== way || learner !== old) return;
        count++;
        ensemble.onSync = () => {};
        ensemble.schedule.after(moment, () => cutOff(ensemble, old));
      };
      old.start();
      await ensemble.pass(300);
      ensemble.network.heal();
      await serving(ensemble, ...ensemble.members);
      await ask(ensemble, others[0]!, some(2));
      old.end(() => true, true);
      old.start();
      await judged(ensemble);
      expectNowhere(ensemble, "/alone");
    }
    expect(count).toBe(momentsMs.length);
  });

  it("ZOOKEEPER-4352: by a leader that has nothing in memory yet, gets all of it", async () => {
    for (const moment of momentsMs) {
      const ensemble = await begun();
      await ask(ensemble, ensemble.member(2), some(5));
      const [empty, ...others] = ensemble.members;
      // Who has got all of it as a tree has no transactions in its log.
      for (const member of others) {
        await ensemble.pass(300);
        member.crash(false);
        member.wipe();
        member.start();
        await serving(ensemble, ...ensemble.members);
      }
      await ensemble.pass(300);
      empty!.crash(false);
      empty!.wipe();
      for (const member of others) member.crash(false);
      for (const member of others) member.start();
      await ensemble.pass(moment * 4);
      empty!.start();
      await serving(ensemble, ...ensemble.members);
      await judged(ensemble);
    }
  });

  it("ZOOKEEPER-4882: behind an error of its disk that has gone away, has no hole in its log", async () => {
    for (const isLeader of [true, false]) {
      const ensemble = await begun();
      const leader = await leaderOf(ensemble);
      const broken = isLeader ? leader : othersThan(ensemble, leader)[0]!;
      broken.breakDisk(1);
      const client = await clientAt(ensemble, broken);
      for (const request of some(3)) client.ask(request);
      expect(await ensemble.until(() => broken.exitCode !== null, 10_000)).toBe(true);
      expect(broken.exitCode).toBe(1);
      broken.mendDisk();
      const others = othersThan(ensemble, broken);
      await serving(ensemble, ...others);
      await ask(ensemble, others[0]!, some(3));
      broken.start();
      await serving(ensemble, broken);
      await ask(ensemble, broken, some(3));
      await judged(ensemble);
    }
  });
});

describe("what would keep a server from starting again", () => {
  it("ZOOKEEPER-4306: the end of a session with more ephemerals than a transaction holds", async () => {
    const ensemble = await begun({ properties: { "jute.maxbuffer": "3000" } });
    const leader = await leaderOf(ensemble);
    const long = "x".repeat(80);
    await ask(
      ensemble,
      othersThan(ensemble, leader)[0]!,
      Array.from({ length: 100 }, (_, i) => create(`/${long}-${i}`, 1)),
    );
    ensemble.clients[0]!.leave([]);
    const isOver = (): boolean => leader.server!.serving!.database.tree.owned.ephemeralCount === 0;
    expect(await ensemble.until(isOver, 10_000)).toBe(true);
    await judged(ensemble);
  });

  it("ZOOKEEPER-4689: lists of ACLs that change while snapshots are taken", async () => {
    const ensemble = await begun({ config: { snapCount: 4 } });
    const paths = ["/r0", "/r1", "/r2"];
    for (let round = 0; round < 12; round++) {
      const acls = paths.map((path, i) => {
        const acl = [...openAcl, { perms: 31, scheme: "ip", id: `10.0.${round}.${i}` }];
        return { op: "setACL" as const, path, acl, version: -1 };
      });
      await ask(ensemble, ensemble.member(1 + (round % 3)), [...acls, create(`/n-${round}`), ...acls]);
      if (round % 4 === 3) await restarted(ensemble, ...ensemble.members);
    }
    await judged(ensemble);
  });
});
