/** multi and multiRead: all or nothing, results by kind, and envelopes that cannot be read. */

import { test } from "vitest";
import { int, record } from "./bytes.ts";
import { pairOfServers } from "./pair.ts";
import {
  addWatch,
  aclOf,
  check,
  create,
  create2,
  createContainer,
  createTtl,
  exists,
  flag,
  getAcl,
  getChildren,
  getChildren2,
  getData,
  multi,
  multiRead,
  op,
  ping,
  readOnlyAcl,
  remove,
  removeContainer,
  request,
  setAcl,
  setData,
  sync,
  whoAmI,
  type Request,
} from "./requests.ts";

const pair = pairOfServers();

test("a multi of every kind of write answers each in its own type", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(
      multi(
        create("/m", { data: "1" }),
        create2("/m/a", { data: "2" }),
        createContainer("/m/box"),
        create("/m/flag4", { flags: flag.container }),
        create("/m/s-", { flags: flag.persistentSequential }),
        create2("/m/e", { flags: flag.ephemeral }),
        setData("/m", "3", 0),
        check("/m", 1),
        check("/m"),
        remove("/m/a", 0),
      ),
    );
    await a.ask(getChildren2("/m"));
    await a.ask(getData("/m"));
  });
});

test("a multi that fails changes nothing and tells which part was to blame", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/p"));
    const failing: readonly Request[] = [
      create("/p"),
      create("/none/x"),
      create("/p/x", { acl: [] }),
      create("x"),
      create("/p/\u0001"),
      remove("/none"),
      remove("/"),
      setData("/none", "x"),
      setData("/p", "x", 9),
      check("/none"),
      check("/p", 9),
      check("bad"),
      createTtl("/p/t", 1000),
      createTtl("/p/t", 0),
    ];
    for (const part of failing) {
      await a.ask(multi(part));
      await a.ask(multi(create("/p/s-", { flags: flag.persistentSequential }), part, remove("/p"), create("/q")));
    }
    await a.ask(create("/p/s-", { flags: flag.persistentSequential }));
    await a.ask(getChildren2("/p"));
  });
});

test("later parts see earlier ones, and requests behind see the whole", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.pipeline([
      multi(create("/a"), create("/a/b"), setData("/a/b", "1", 0), remove("/a/b", 1), create("/a/b"), check("/a/b", 0)),
      multi(create("/a/b")),
      remove("/a"),
      multi(remove("/a/b"), remove("/a"), create("/a")),
      exists("/a"),
      multi(setData("/a", "1", 0), setData("/a", "2", 1), setData("/a", "3", 1)),
      setData("/a", "4", 0),
    ]);
  });
});

test("an empty multi succeeds and takes a zxid, an empty multiRead takes none", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(multi());
    await a.ask(ping);
    await a.ask(multiRead());
    await a.ask(ping);
  });
});

test("multiRead answers each part for itself", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.pipeline([
      create("/r", { data: "d" }),
      create("/r/x"),
      create("/shut", { acl: [aclOf(2, "world", "anyone")] }),
    ]);
    await a.ask(multiRead(getData("/r"), getChildren("/r"), getData("/none"), getData("/shut"), getChildren("/none")));
    await a.ask(multiRead(getData("/r", true), getChildren("/r", true)));
    await a.ask(setData("/r", "no watch fires"));
  });
});

test("a part of the wrong kind spoils the whole request", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    const wrong: readonly Request[] = [
      exists("/"),
      getAcl("/"),
      setAcl("/", readOnlyAcl),
      getChildren2("/"),
      removeContainer("/x"),
      sync("/"),
      ping,
      whoAmI,
      addWatch("/", 0),
      multi(),
      request(0, Buffer.alloc(0), "opcode 0"),
      request(-10, int(1000), "createSession"),
      request(-11, Buffer.alloc(0), "closeSession"),
      request(99, Buffer.alloc(0), "opcode 99"),
    ];
    for (const part of wrong) {
      await a.ask(multi(create("/good"), part));
      await a.ask(multi(part));
    }
    await a.ask(multi(create("/good"), getData("/")));
    await a.ask(multi(getData("/"), create("/good")));
    await a.ask(multi(getData("/")));
    await a.ask(multi(create("/good", { flags: 9 })));
    await a.ask(multi(create2("/good", { flags: flag.ttl })));
    await a.ask(multi(createContainer("/good", { flags: flag.sequentialTtl })));
    await a.ask(multi(createTtl("/good", 10, { flags: 9 })));
    await a.ask(getChildren("/"));
  });
});

test("envelopes that cannot be read", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    const open = record(int(op.create), Buffer.from([0]), int(-1));
    const bodies: readonly [string, Buffer][] = [
      ["no bytes", Buffer.alloc(0)],
      ["half a header", Buffer.alloc(5)],
      ["a header without a body", open],
      ["no closing header", record(open, create("/x").body)],
      ["done with any type", record(int(77), Buffer.from([1]), int(5))],
      ["done as 2", record(int(-1), Buffer.from([2]), int(-1))],
      ["bytes behind the end", record(int(-1), Buffer.from([1]), int(-1), create("/x").body)],
    ];
    for (const [title, body] of bodies) await a.ask(request(op.multi, body, `multi: ${title}`));
    await a.ask(create("/after"));
  });
});

test("a multiRead of writes is refused with an empty envelope, one of both kinds with none", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(multiRead(getData("/"), create("/x")));
    await a.ask(multiRead(create("/x")));
    await a.ask(multiRead(create("/x"), remove("/x")));
    await a.ask(multiRead(create("/x"), getData("/")));
    await a.ask(multiRead(getData("/"), exists("/")));
    await a.ask(exists("/x"));
  });
});

test("watches fire part by part, with one zxid, before the reply", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    const b = await scene.actor("b");
    await a.ask(create("/w"));
    for (const actor of [a, b]) {
      await actor.ask(addWatch("/w", 0));
      await actor.ask(addWatch("/", 1));
    }
    await a.ask(multi(setData("/w", "1"), create("/w/x"), setData("/w", "2"), remove("/w/x"), create("/v")));
    await a.ask(multi(setData("/w", "1"), check("/w", 99)));
    await b.ask(ping);
  });
});
