/** Reads: what they answer, what they refuse, and paths that they do not validate. */

import { test } from "vitest";
import { pairOfServers } from "./pair.ts";
import {
  create,
  createContainer,
  exists,
  flag,
  getAcl,
  getAllChildrenNumber,
  getChildren,
  getChildren2,
  getData,
  getEphemerals,
  ping,
  request,
  setAcl,
  aclOf,
  sync,
  whoAmI,
  type Text,
} from "./requests.ts";

const pair = pairOfServers();

const oddPaths: readonly Text[] = [
  "",
  "/",
  "//",
  "a",
  "/a/",
  "/..",
  "/a\u0000",
  "/\u{1f600}",
  "/zookeeper",
  "/zookeeper/quota",
  "/zookeeper/config",
  Buffer.from([0x2f, 0xff]),
  Buffer.from([0x2f, 0xed, 0xa0, 0x80]),
];

test("reads do not validate paths: an odd one is absent, and the empty one is the root", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/a"));
    const reads = [exists, getData, getAcl, getChildren, getChildren2, getAllChildrenNumber, getEphemerals];
    for (const path of oddPaths) for (const read of reads) await a.ask(read(path));
  });
});

test("a null path is a decode failure or nothing, by opcode", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    for (const read of [
      exists,
      getData,
      getAcl,
      getChildren,
      getChildren2,
      getAllChildrenNumber,
      getEphemerals,
      sync,
    ]) {
      await a.ask(read(null));
    }
  });
});

test("an undecodable read is refused and the connection stays", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    for (const code of [3, 4, 6, 8, 9, 12, 17, 18, 22, 101, 103, 104, 105, 106]) {
      await a.ask(request(code, Buffer.alloc(3), `opcode ${code} with 3 bytes`));
      await a.ask(request(code, Buffer.alloc(0), `opcode ${code} without a body`));
    }
    await a.ask(ping);
  });
});

test("sync echoes any path", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    for (const path of ["/", "/none", "", "not a path", "/\u00e9"]) await a.ask(sync(path));
  });
});

test("getAllChildrenNumber counts descendants, the root's with ZooKeeper's own", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.pipeline([create("/a"), create("/a/b"), create("/a/b/c"), create("/ab"), createContainer("/a/box")]);
    for (const path of ["/", "/a", "/a/b", "/ab", "/none"]) await a.ask(getAllChildrenNumber(path));
    await a.ask(setAcl("/a", [aclOf(2, "world", "anyone")]));
    await a.ask(getAllChildrenNumber("/a"));
  });
});

test("getEphemerals matches this session's paths by their text", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    const b = await scene.actor("b");
    const ephemeral = { flags: flag.ephemeral };
    await a.ask(create("/ep1"));
    await a.pipeline([create("/ep1/x", ephemeral), create("/ep12", ephemeral), create("/other", ephemeral)]);
    await b.ask(create("/ep1/b", ephemeral));
    for (const prefix of ["/", "/ep1", "/ep1/", "/ep12", "", "  ", " / ", "\u0001/\u001f", "ep", "/none", null]) {
      await a.ask(getEphemerals(prefix));
    }
    await b.ask(getEphemerals("/ep1"));
  });
});

test("a ping is answered with xid -2 whatever it carried, in its place", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(ping, 5);
    await a.pipeline([create("/p"), ping, create("/p/q"), ping, getData("/p")]);
    await a.ask(request(11, Buffer.from("body"), "ping with a body"));
  });
});

test("whoAmI names the address of the peer", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(whoAmI);
  });
});

test("xids are echoed, whatever their order", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    for (const xid of [0, 7, 7, 3, -17, 2_147_483_647, -2_147_483_648]) await a.ask(exists("/"), xid);
    await a.ask(create("/x"), -2);
    await a.ask(create("/y"), -4);
    await a.ask(getChildren("/"), -8);
  });
});

test("large data comes back whole", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    const big = Buffer.alloc(1_000_000, "large ");
    await a.ask(create("/big", { data: big }));
    await a.ask(getData("/big"));
    await a.pipeline([getData("/big"), exists("/big"), getData("/big")]);
  });
});
