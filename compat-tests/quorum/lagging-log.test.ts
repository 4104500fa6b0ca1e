/**
 * Holes in 3.9.5's logs: a member's memory gets ahead of its log, it says to have what memory has, and the next leader goes on from
 * there. Nothing shows until the member starts again and reads its files. Made to show on the real server, and not there in ours.
 */

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { dumpTree } from "../disk/tree-dump.ts";
import { compiledPreload } from "../reference/libraries.ts";
import { type Build, subject, TestServer } from "../reference/server.ts";
import { isShort } from "../shard.ts";
import { creation, packetType, type ScriptedTxn, ScriptedLeader, zxidOf } from "./scripted-leader.ts";

const config = { tickTime: 1000, initLimit: 10, syncLimit: 10 };

/** A server that is not started yet, and will follow. */
function ledBy(leader: ScriptedLeader, build: Build, wordsBefore: readonly string[] = []): TestServer {
  const server = new TestServer(build, { config: { ...config, ...leader.config }, wordsBefore });
  mkdirSync(server.dataFolder, { recursive: true });
  writeFileSync(join(server.dataFolder, "myid"), "1\n");
  return server;
}

/** The znodes that a server of that build finds in the files of another, which has ended. */
async function readAnew({ build, dataFolder, folder }: TestServer): Promise<string[]> {
  const copy = join(folder, "anew");
  cpSync(dataFolder, join(copy, "data"), { recursive: true });
  const reader = new TestServer(build, { folder: copy });
  try {
    await reader.start();
    const znodes = await dumpTree(reader.port);
    return znodes.map(({ path }) => path).filter((path) => /^\/[a-z]$/.test(path));
  } finally {
    await reader.kill();
  }
}

/**
 * ZOOKEEPER-5094: the log of a follower is cut, the next transaction follows, and the leader is lost before it says that this is all.
 * Another goes on with what the follower lacks.
 * @returns what the follower has in its files.
 */
async function cutAndLeave(build: Build): Promise<string[]> {
  const leader = await ScriptedLeader.open();
  const server = ledBy(leader, build);
  try {
    const history: ScriptedTxn[] = [creation(zxidOf(1, 1), "/a"), creation(zxidOf(1, 2), "/b")];
    await server.launch();
    const first = await leader.lead(1);
    await first.bringUpToDate(history, 1);
    const alone = creation(zxidOf(1, 3), "/t");
    first.propose(alone);
    await first.acknowledged(alone.zxid);
    await first.cut();

    history.push(creation(zxidOf(2, 1), "/x"));
    const second = await leader.lead(2);
    expect(second.lastZxid).toBe(alone.zxid);
    second.send(packetType.trunc, zxidOf(1, 2));
    second.decide(history.at(-1)!);
    await second.cut();

    history.push(creation(zxidOf(3, 1), "/y"));
    await (await leader.lead(3)).bringUpToDate(history, 3);
    await server.kill();
    return await readAnew(server);
  } finally {
    leader.close();
    await server.dispose();
  }
}

test("a leader that is lost behind a truncation", { timeout: 120_000 }, async () => {
  if (subject === "ours") expect(await cutAndLeave(subject)).toEqual(["/a", "/b", "/x", "/y"]);
  if (!isShort) expect(await cutAndLeave("reference")).toEqual(["/a", "/b", "/y"]);
});

/**
 * ZOOKEEPER-4882: the disk of a follower fails while a transaction is written that the others commit, and is well again.
 * @returns what the follower has in its files, in the end.
 */
async function failForAWhile(build: Build): Promise<string[]> {
  const leader = await ScriptedLeader.open();
  const mark = join(mkdtempSync(join(tmpdir(), "failing-disk-")), "fails");
  const library = compiledPreload("failing-disk", join(import.meta.dirname, "c", "failing-disk.c"));
  const server = ledBy(leader, build, ["env", `LD_PRELOAD=${library}`, `FAILING_DISK=${mark}`]);
  try {
    const history: ScriptedTxn[] = [creation(zxidOf(1, 1), "/a"), creation(zxidOf(1, 2), "/b")];
    await server.launch();
    const first = await leader.lead(1);
    await first.bringUpToDate(history, 1);
    await server.kill();
    // The first transaction behind a start goes to a new file.
    await server.launch();
    const second = await leader.lead(2);
    await second.bringUpToDate(history, 2);
    history.push(creation(zxidOf(2, 1), "/x"));
    writeFileSync(mark, "");
    second.decide(history.at(-1)!);
    await second.ended();
    rmSync(mark);
    while (server.isRunning && !leader.isSought) await delay(20);
    // Ours has ended rather than to go on with what it could not write.
    expect(server.exitCode).toBe(build === "ours" ? 1 : null);
    if (!server.isRunning) await server.launch();
    history.push(creation(zxidOf(3, 1), "/y"));
    await (await leader.lead(3)).bringUpToDate(history, 3);
    await server.kill();
    return await readAnew(server);
  } finally {
    leader.close();
    await server.dispose();
    rmSync(dirname(mark), { recursive: true });
  }
}

test("a disk that fails and is well again", { timeout: 120_000 }, async () => {
  if (subject === "ours") expect(await failForAWhile(subject)).toEqual(["/a", "/b", "/x", "/y"]);
  // Acknowledged, and gone; mostly with what came behind it, which goes to the file whose first bytes could not be written.
  if (!isShort) expect(await failForAWhile("reference")).not.toContain("/x");
});
