/** create in all its kinds: names, flags, parents, paths and the order in which refusals are found. */

import { test } from "vitest";
import { pairOfServers } from "./pair.ts";
import {
  aclOf,
  auth,
  create,
  create2,
  createContainer,
  createTtl,
  exists,
  flag,
  getChildren2,
  getData,
  perm,
  readOnlyAcl,
  remove,
  request,
  setAcl,
  type Text,
} from "./requests.ts";

const pair = pairOfServers();

test("create answers with the path, create2 with path and Stat", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    for (const make of [create, create2, createContainer]) {
      await a.ask(make(`/${make.name}`, { data: "some data" }));
      await a.ask(make(`/${make.name}`, { data: "again" }));
      await a.ask(make(`/${make.name}/child`, { data: null }));
      await a.ask(getData(`/${make.name}/child`));
      await a.ask(exists(`/${make.name}`));
    }
  });
});

test("null data and empty data are stored as sent", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.pipeline([
      create("/null", { data: null }),
      create2("/empty", { data: "" }),
      getData("/null"),
      getData("/empty"),
    ]);
  });
});

test("a sequence number counts every create below the parent, failed ones excepted", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    const sequential = { flags: flag.persistentSequential };
    await a.pipeline([
      create("/p"),
      create("/p/a-", sequential),
      create("/p/b-", sequential),
      create("/p/plain"),
      create("/p/a-", sequential),
      create("/p/plain"),
      create("/p/a-", sequential),
      remove("/p/plain"),
      create2("/p/", { flags: flag.ephemeralSequential }),
      create("/p/-5", sequential),
      create("/top", sequential),
      getChildren2("/p"),
    ]);
  });
});

test("flags are enumerated values, and each opcode reads them in its own way", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    for (const flags of [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 255]) {
      await a.ask(create(`/one${flags}`, { flags }));
      await a.ask(create2(`/two${flags}`, { flags }));
      await a.ask(exists(`/two${flags}`));
    }
    await a.ask(createTtl("/ttl", 1000));
    await a.ask(createTtl("/ttl", -1));
    await a.ask(create2("/two1/child"));
  });
});

test("createContainer makes a container whatever its flag", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    for (const flags of [0, 1, 2, 3, 4, 5, 6, 7]) {
      await a.ask(createContainer(`/c${flags}`, { flags }));
      await a.ask(create(`/c${flags}/child`));
    }
    await a.ask(getChildren2("/"));
  });
});

const oddPaths: readonly Text[] = [
  "",
  "/",
  "//",
  "foo",
  "/x/",
  "//x",
  "/x//y",
  "/.",
  "/..",
  "/...",
  "/./x",
  "/../x",
  "/a.",
  "/.a",
  "/a..b",
  "/x/.",
  "/a b",
  "/ ",
  "/\u0000",
  "/a\u0001",
  "/a\u001f",
  "/a\u007f",
  "/a\u009f",
  "/a\u00a0",
  "/a\ud7ff",
  "/a\ue000",
  "/a\uf8ff",
  "/a\uf900",
  "/a\uffef",
  "/a\ufff0",
  "/a\uffff",
  "/\u{1f600}",
  "/zookeeper",
  "/zookeeper/config",
  "/zookeeper/x",
  "/zookeeper/config/x",
  Buffer.from([0x2f, 0xff, 0xfe]),
  Buffer.from([0x2f, 0xed, 0xa0, 0x80]),
  null,
  `/${"long".repeat(500)}`,
];

test("a path is validated late and weakly first", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    for (const path of oddPaths) await a.ask(create(path));
  });
});

test("a sequential path is validated with its number", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/a"));
    for (const path of ["/", "/a/", "/a/.", "/a/..", "//", "/a//", "", "x"]) {
      await a.ask(create(path, { flags: flag.persistentSequential }));
    }
  });
});

test("an ephemeral has no children, and goes with its session", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    const b = await scene.actor("b");
    await b.ask(create2("/e", { flags: flag.ephemeral }));
    await a.ask(create("/e/child"));
    await a.ask(create("/e", { flags: flag.ephemeral }));
    await a.ask(create("/e/child", { flags: flag.ephemeral }));
    await a.ask(exists("/e"));
    await b.ask(request(-11, Buffer.alloc(0), "closeSession"));
    await b.untilClosed();
    await a.ask(exists("/e"));
    await a.ask(getChildren2("/"));
  });
});

test("of several reasons to refuse a create the first one found is told", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/locked", { acl: readOnlyAcl }));
    await a.ask(create("/e", { flags: flag.ephemeral }));
    await a.ask(setAcl("/e", readOnlyAcl));
    await a.ask(create("/locked/bad\u0001"));
    await a.ask(create("/locked/x", { acl: [] }));
    await a.ask(create("/locked/x", { flags: 77 }));
    await a.ask(create("/none/x", { acl: [] }));
    await a.ask(create("/none/x\u0001"));
    await a.ask(create("/none/x", { acl: [aclOf(1, "nope", "x")] }));
    await a.ask(create("/e/child"));
    await a.ask(create("x", { flags: 77 }));
    await a.ask(create("x", { acl: null }));
    await a.ask(create("/locked", { acl: [] }));
    await a.ask(create("/none/x", { flags: flag.ttl }));
    await a.ask(createTtl("/none/x", 0, { flags: 99 }));
  });
});

test("create needs CREATE on the parent and nothing else", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(auth("digest", "owner:secret"));
    await a.ask(create("/p", { acl: [aclOf(perm.create, "world", "anyone"), aclOf(perm.all, "auth", "")] }));
    await a.ask(create("/q", { acl: [aclOf(perm.all - perm.create, "world", "anyone")] }));
    const b = await scene.actor("b");
    await b.ask(create("/p/x"));
    await b.ask(create("/p/x"));
    await b.ask(create("/q/x"));
    await b.ask(getData("/p"));
    await b.ask(remove("/p/x"));
    await a.ask(remove("/p/x"));
    await a.ask(create("/p/x"));
  });
});

test("an undecodable create is refused without a zxid", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    for (const code of [1, 15, 19, 21, 2, 5, 7]) {
      await a.ask(request(code, Buffer.alloc(2), `opcode ${code} with 2 bytes`));
      await a.ask(request(code, Buffer.alloc(0), `opcode ${code} without a body`));
      await a.ask(request(code, Buffer.from("7fffffff2f61", "hex"), `opcode ${code} with a huge length`));
      await a.ask(request(code, Buffer.from("fffffffe2f61", "hex"), `opcode ${code} with a negative length`));
    }
    await a.ask(create("/after"));
  });
});

test("bytes behind a record are ignored", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    for (const plain of [create("/trail"), getData("/trail"), remove("/trail")]) {
      await a.ask(request(plain.op, Buffer.concat([plain.body, Buffer.from("rest")]), `${plain.title} and more`));
    }
  });
});
