/** Watches: who registers what, what fires, in which order, and what a client may not see. */

import { test } from "vitest";
import { pairOfServers } from "./pair.ts";
import {
  aclOf,
  addWatch,
  auth,
  checkWatches,
  closeSession,
  create,
  create2,
  createContainer,
  exists,
  flag,
  getChildren,
  getChildren2,
  getData,
  multi,
  perm,
  ping,
  readOnlyAcl,
  remove,
  removeWatches,
  setAcl,
  setData,
  setWatches,
  setWatches2,
  sync,
} from "./requests.ts";
import type { Actor } from "./scene.ts";

const pair = pairOfServers();

const changes = [
  create("/w"),
  setData("/w", "1"),
  create("/w/c"),
  setData("/w/c", "2"),
  remove("/w/c"),
  setAcl("/w", [aclOf(perm.all, "world", "anyone")]),
  sync("/w"),
  setData("/w", "x", 99),
  remove("/w"),
  create("/w"),
  remove("/w"),
];

const kinds: readonly (readonly [string, (actor: Actor, path: string) => Promise<unknown>])[] = [
  ["exists", (actor, path) => actor.ask(exists(path, true))],
  ["getData", (actor, path) => actor.ask(getData(path, true))],
  ["getChildren", (actor, path) => actor.ask(getChildren(path, true))],
  ["getChildren2", (actor, path) => actor.ask(getChildren2(path, true))],
  ["persistent", (actor, path) => actor.ask(addWatch(path, 0))],
  ["recursive", (actor, path) => actor.ask(addWatch(path, 1))],
];

test("each kind of watch sees its own events", async () => {
  await pair.check(async (scene) => {
    const writer = await scene.actor("writer");
    const watchers: Actor[] = [];
    for (const [kind, register] of kinds) {
      for (const path of ["/", "/w", "/w/c"]) {
        const watcher = await scene.actor(`${kind} on ${path}`);
        await register(watcher, path);
        watchers.push(watcher);
      }
    }
    for (const change of changes) await writer.ask(change);
    for (const watcher of watchers) await watcher.ask(ping);
  });
});

test("a one-shot watch on a znode that exists fires once", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/w"));
    await a.ask(create("/w/c"));
    for (const [, register] of kinds.slice(0, 4)) {
      await register(a, "/w");
      await a.ask(setData("/w", "x"));
      await a.ask(create("/w/d"));
      await a.ask(setData("/w", "y"));
      await a.ask(remove("/w/d"));
    }
  });
});

test("the writer's own event precedes its reply, under pipelining too", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.pipeline([
      exists("/w", true),
      create("/w"),
      getData("/w", true),
      getChildren("/w", true),
      setData("/w", "1"),
      create("/w/x"),
      remove("/w/x"),
      getData("/w", true),
      remove("/w"),
      getData("/w", true),
      exists("/w", true),
      create("/w"),
    ]);
  });
});

test("one delete gives one event to a connection that watches in every way", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/w"));
    for (const [, register] of kinds) await register(a, "/w");
    await a.ask(addWatch("/", 1));
    await a.ask(getChildren("/", true));
    await a.ask(remove("/w"));
    await a.ask(create("/w"));
    await a.ask(remove("/w"));
  });
});

test("watches of all modes coexist on a path", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/w"));
    await a.ask(addWatch("/w", 0));
    await a.ask(addWatch("/w", 1));
    await a.ask(addWatch("/w", 1));
    await a.ask(getData("/w", true));
    await a.ask(setData("/w", "1"));
    await a.ask(setData("/w", "2"));
    await a.ask(create("/w/x"));
    for (const type of [1, 2, 3, 4, 5, 0, 6]) await a.ask(checkWatches("/w", type));
    await a.ask(removeWatches("/w", 4));
    await a.ask(setData("/w/x", "3"));
    await a.ask(create("/w/y"));
    await a.ask(removeWatches("/w", 5));
    await a.ask(setData("/w", "4"));
    await a.ask(removeWatches("/w", 3));
  });
});

test("checkWatches and removeWatches look at one path and one type", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/w"));
    for (const [, register] of kinds) {
      await register(a, "/w");
      for (const type of [1, 2, 3, 4, 5]) await a.ask(checkWatches("/w", type));
      for (const type of [5, 4, 2, 1]) await a.ask(removeWatches("/w", type));
      await a.ask(removeWatches("/w", 3));
    }
    for (const type of [-1, 0, 6]) {
      await a.ask(checkWatches("/w", type));
      await a.ask(removeWatches("/w", type));
    }
    await a.ask(setData("/w", "silence"));
  });
});

test("addWatch asks for nothing but a known mode", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/shut", { acl: [aclOf(0, "world", "anyone")] }));
    for (const path of ["/none", "", "odd", "/shut", "/a\u0000"]) await a.ask(addWatch(path, 0));
    for (const mode of [-1, 2, 99]) await a.ask(addWatch("/none", mode));
    await a.ask(create("/none"));
  });
});

test("an event reaches only who may read the znode, and its watch is spent all the same", async () => {
  await pair.check(async (scene) => {
    const owner = await scene.actor("owner");
    await owner.ask(auth("digest", "o:o"));
    const other = await scene.actor("other");
    const mine = [aclOf(perm.all, "auth", "")];
    await owner.ask(create("/p", { acl: [...mine, aclOf(perm.read, "world", "anyone")] }));
    await other.ask(exists("/p/secret", true));
    await other.ask(addWatch("/p", 1));
    await other.ask(getData("/p", true));
    await other.ask(getChildren("/p", true));
    await owner.ask(create("/p/secret", { acl: mine }));
    await other.ask(exists("/p/secret", true));
    await owner.ask(setData("/p/secret", "x"));
    await owner.ask(setAcl("/p", mine));
    await owner.ask(setData("/p", "x"));
    await owner.ask(setAcl("/p/secret", readOnlyAcl));
    await owner.ask(remove("/p/secret"));
    await other.ask(auth("digest", "o:o"));
    await owner.ask(setData("/p", "y"));
    await other.ask(checkWatches("/p", 2));
    await other.ask(ping);
  });
});

test("exists on a missing znode registers, on a refused one it does not", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/shut", { acl: [aclOf(0, "world", "anyone")] }));
    await a.ask(exists("/shut", true));
    await a.ask(checkWatches("/shut", 3));
    await a.ask(exists("/none", true));
    await a.ask(checkWatches("/none", 2));
    await a.ask(getData("/none2", true));
    await a.ask(getChildren("/none2", true));
    await a.ask(checkWatches("/none2", 3));
    await a.ask(exists("/a\u0000", true));
    await a.ask(checkWatches("/a\u0000", 3));
  });
});

test("setWatches tells what was missed and registers the rest", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/same"));
    const reply = await a.ask(create("/changed"));
    const seen = reply?.zxid ?? 0n;
    await a.ask(setData("/changed", "x"));
    await a.ask(create("/changed/kid"));
    const lists = {
      data: ["/same", "/changed", "/gone"],
      exist: ["/same", "/never"],
      child: ["/same", "/changed", "/gone"],
    };
    await a.ask(setWatches(seen, lists));
    await a.ask(setData("/same", "y"));
    await a.ask(create("/same/kid"));
    await a.ask(create("/never"));
    const watches = { ...lists, persistent: ["/p", "/gone"], recursive: ["/r"] };
    await a.ask(setWatches2(seen, watches));
    await a.pipeline([create("/p"), create("/p/x"), create("/r"), create("/r/x"), setData("/r/x", "1")]);
    await a.ask(setWatches(reply?.zxid ?? 0n, { data: ["/changed"], exist: [], child: [] }));
    await a.ask(setWatches(0n, {}));
    await a.ask(setWatches2(0n, {}));
    await a.ask(setWatches(0n, { data: null }));
    await a.ask(setWatches2(0n, { recursive: null }));
  });
});

test("setWatches does not filter by ACL", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/shut", { acl: [aclOf(0, "world", "anyone")] }));
    await a.ask(setWatches(0n, { data: ["/shut"], exist: ["/shut"], child: ["/shut"] }));
  });
});

test("a closing session's ephemerals fire like deletes, one after the other", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    const b = await scene.actor("b");
    const c = await scene.actor("c");
    await a.ask(create("/p"));
    await b.ask(create("/p/e", { flags: flag.ephemeral }));
    await a.ask(getChildren("/p", true));
    await a.ask(exists("/p/e", true));
    await c.ask(addWatch("/", 1));
    await b.ask(closeSession);
    await b.untilClosed();
    await a.ask(getChildren2("/p"));
    await c.ask(ping);
  });
});

test("watches belong to the connection, not to the session", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    const writer = await scene.actor("writer");
    await a.ask(create("/w"));
    await a.ask(getData("/w", true));
    const again = await scene.actor("again", { sessionId: a.session.id, password: a.session.password });
    await a.untilClosed();
    await writer.ask(setData("/w", "x"));
    await again.ask(checkWatches("/w", 3));
  });
});

test("creates of every kind fire", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(addWatch("/", 1));
    await a.ask(createContainer("/box"));
    await a.ask(create2("/two"));
    await a.ask(create("/s-", { flags: flag.persistentSequential }));
    await a.ask(remove("/box"));
    await a.ask(multi(createContainer("/box2"), remove("/two")));
    await a.ask(setData("/zookeeper/quota", ""));
    await a.ask(setData("/", "root"));
    await a.ask(setData("/", ""));
  });
});
