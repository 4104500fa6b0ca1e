/**
 * A member that has lost the others, with readonlymode.enabled: whom it lets in, what it answers them, what it says of itself, and
 * that all of that ends when the others come back.
 */

import { expect, test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import type { ConnectOptions } from "../wire/connection.ts";
import {
  auth,
  check,
  checkWatches,
  closeSession,
  create,
  create2,
  exists,
  flag,
  getAcl,
  getAllChildrenNumber,
  getChildren,
  getChildren2,
  getData,
  getEphemerals,
  multi,
  multiRead,
  openAcl,
  ping,
  reconfig,
  remove,
  type Request,
  setAcl,
  setData,
  sync,
  whoAmI,
} from "../wire/requests.ts";
import type { Actor } from "../wire/scene.ts";
import { Names } from "../wire/transcript.ts";
import { TestEnsemble } from "./ensemble.ts";

/** It stays alone. */
const sid = 1;

const asked: readonly Request[] = [
  ping,
  exists("/a", true),
  exists("/missing"),
  getData("/a"),
  getChildren("/"),
  getChildren2("/"),
  getAcl("/a"),
  getAllChildrenNumber("/"),
  getEphemerals("/"),
  multiRead(getData("/a"), getChildren("/")),
  whoAmI,
  auth("digest", "a:b"),
  checkWatches("/a", 3),
  sync("/"),
  create("/b"),
  create2("/b", { flags: flag.ephemeral }),
  remove("/a"),
  setData("/a", "z"),
  setAcl("/a", openAcl),
  multi(),
  multi(setData("/a", "z")),
  reconfig({ joining: null, leaving: null, members: null, version: -1n }),
];

/** What its words say of its state; ports and times are not compared. */
async function wordsOf(ensemble: TestEnsemble): Promise<string[]> {
  const member = ensemble.member(sid);
  const [srvr, stat, conf, mntr, dump] = await Promise.all(
    ["srvr", "stat", "conf", "mntr", "dump"].map((word) => member.fourLetterWord(word)),
  );
  return [
    ...srvr!.match(/^(READ-ONLY|Mode|Zxid|Node count).*$/gm)!,
    ...stat!.match(/^(READ-ONLY|Mode).*$/gm)!,
    ...conf!.split("\n").map((line) => line.split("=")[0]!),
    ...mntr!
      .match(/^zk_(server_state|znode_count|local_sessions|global_sessions|peer_state|quorum_size)\b.*$/gm)!
      .sort(),
    ...dump!.match(/^.*Sessions?(?= Sets)|^Global Sessions\(.*$/gm)!,
  ];
}

async function play(build: Build): Promise<string> {
  const ensemble = await TestEnsemble.start({
    builds: [build, build, build],
    config: { localSessionsEnabled: "true", localSessionsUpgradingEnabled: "true" },
    properties: { "readonlymode.enabled": "true" },
  });
  try {
    const before = await ensemble.visit(sid);
    await before.ask(create("/a", { data: "x" }));
    await before.ask(create("/mine", { flags: flag.ephemeral }));
    const { zxid } = (await before.ask(ping))!;
    const { id: sessionId, password } = before.session;
    const local = (await ensemble.visit(sid)).session;
    const names = new Names(zxid);
    const actors: Actor[] = [];
    const enter = async (options: ConnectOptions): Promise<Actor> => {
      const actor = await ensemble.stranger(sid, names);
      actors.push(actor);
      await actor.connect(options);
      return actor;
    };
    await Promise.all([2, 3].map((other) => ensemble.member(other).stop()));
    await ensemble.says(sid, "isro", /^ro$/);
    await enter({ readOnly: false });
    await enter({ readOnly: null });
    await enter({ readOnly: true, sessionId, password });
    await enter({ readOnly: true, sessionId: local.id, password: local.password });
    await enter({ readOnly: true, lastZxidSeen: zxid + 1n });
    const reader = await enter({ readOnly: true });
    const words = await wordsOf(ensemble);
    // One by one: there the refusal of a write overtakes the answers to reads before it.
    for (const request of asked) await reader.ask(request);
    const again = await enter({ readOnly: true, sessionId: reader.session.id, password: reader.session.password });
    await reader.untilClosed();
    await again.ask(ping);
    await again.ask(closeSession);
    await again.untilClosed();
    // It costs its connection, though not before the answer is out.
    const unknown = await enter({ readOnly: true });
    await unknown.ask(check("/a"));
    await unknown.untilClosed();
    const last = await enter({ readOnly: true });
    await ensemble.launch(2, 3);
    await last.untilClosed();
    await ensemble.settled();
    const after = await ensemble.visit(sid);
    expect((await after.ask(create("/after")))!.err).toBe(0);
    await after.ask(closeSession);
    return [...words, ...actors.flatMap(({ lines }) => ["--", ...lines])].join("\n");
  } finally {
    await ensemble.dispose();
  }
}

test("a member alone", { timeout: 240_000 }, async () => {
  expect(await play(subject)).toBe(await play("reference"));
});

/** What a client hears that asks a member alone for a new session, where there are no local ones. */
async function handshakeWithoutLocalSessions(build: Build): Promise<string> {
  const properties = { "readonlymode.enabled": "true" };
  const ensemble = await TestEnsemble.start({ builds: [build, build, build], properties });
  try {
    await Promise.all([2, 3].map((other) => ensemble.member(other).stop()));
    await ensemble.says(sid, "isro", /^ro$/);
    const actor = await ensemble.stranger(sid);
    // What is no handshake at all cannot be read as one.
    await actor.connect({ readOnly: true }).catch(() => false);
    actor.connection.cut();
    return actor.lines.join();
  } finally {
    await ensemble.dispose();
  }
}

// COMPATIBILITY.md: 3.9.5 answers with the header of another reply, over which clients trip, and leaves the connection open.
test("a member alone that has no local sessions lets nobody in", { timeout: 240_000 }, async () => {
  expect(await handshakeWithoutLocalSessions("reference")).toMatch(/^0x0{8}[0-9a-f]{16}ffffff89$/);
  if (subject === "ours") expect(await handshakeWithoutLocalSessions("ours")).toBe("closed");
});
