/** setData, delete, setACL and check: versions, refusals and what they leave in the Stat. */

import { test } from "vitest";
import { pairOfServers } from "./pair.ts";
import {
  aclOf,
  auth,
  check,
  create,
  exists,
  getAcl,
  getChildren2,
  getData,
  multi,
  openAcl,
  perm,
  readOnlyAcl,
  remove,
  setAcl,
  setData,
  type Text,
} from "./requests.ts";

const pair = pairOfServers();

test("setData raises the version, checks the expected one, and moves mzxid and mtime", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/n", { data: "0" }));
    for (const version of [-1, 0, 1, 2, -2, 2_147_483_647]) await a.ask(setData("/n", `v${version}`, version));
    await a.ask(setData("/n", null));
    await a.ask(getData("/n"));
    await a.ask(setData("/", "root"));
    await a.ask(getData("/"));
    await a.ask(setData("/", ""));
    await a.ask(setData("/zookeeper", "z"));
    await a.ask(setData("/zookeeper", ""));
    await a.ask(setData("/zookeeper/config", "c"));
  });
});

test("versions are exact under pipelining", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.pipeline([
      create("/n"),
      setData("/n", "1", 0),
      setData("/n", "2", 0),
      setData("/n", "3", 1),
      remove("/n", 1),
      remove("/n", 2),
      setData("/n", "4"),
      create("/n"),
      setData("/n", "5", 0),
      exists("/n"),
    ]);
  });
});

test("setACL changes aversion only", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/n"));
    await a.ask(setAcl("/n", openAcl, 0));
    await a.ask(setAcl("/n", openAcl, 0));
    await a.ask(setAcl("/n", readOnlyAcl, 1));
    await a.ask(setAcl("/n", openAcl));
    await a.ask(getAcl("/n"));
    await a.ask(exists("/n"));
    await a.ask(getAcl("/"));
    await a.ask(getAcl("/zookeeper/config"));
    await a.ask(setAcl("/zookeeper/config", openAcl));
  });
});

test("delete is authorised by the parent, and looks at it first", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/p"));
    await a.ask(create("/p/c", { acl: readOnlyAcl }));
    await a.ask(create("/p/c2"));
    await a.ask(remove("/p"));
    await a.ask(remove("/p", 7));
    await a.ask(remove("/p/c", 7));
    await a.ask(remove("/p/c", 0));
    await a.ask(remove("/p/none"));
    await a.ask(remove("/none/x"));
    await a.ask(setAcl("/p", readOnlyAcl));
    await a.ask(remove("/p/none"));
    await a.ask(remove("/p/c2", 9));
    await a.ask(getChildren2("/p"));
  });
});

const deletePaths: readonly Text[] = [
  "/",
  "",
  "x",
  "/zookeeper",
  "/zookeeper/quota",
  "/zookeeper/config",
  "/a/",
  "//",
  "/a\u0001",
  "/.",
  "/a\u0000",
  null,
];

test("paths that cannot be deleted or changed", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/a"));
    for (const path of deletePaths) {
      await a.ask(remove(path));
      if (path !== "/" && path !== "/zookeeper") await a.ask(setData(path, "x"));
      if (path !== "/" && path !== "/zookeeper") await a.ask(setAcl(path, openAcl));
    }
  });
});

test("NoAuth hides what is behind it, and an invalid ACL hides NoAuth", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/locked", { acl: readOnlyAcl }));
    await a.ask(setData("/locked", "x", 99));
    await a.ask(setAcl("/locked", openAcl, 99));
    await a.ask(setAcl("/locked", [], 99));
    await a.ask(setAcl("/locked", [aclOf(1, "world", "someone")]));
    await a.ask(setAcl("/none", []));
    await a.ask(setAcl("/none", openAcl));
    await a.ask(setAcl("/none\u0001", []));
    await a.ask(setData("/none", "x", 99));
    await a.ask(multi(check("/locked", 99)));
    await a.ask(multi(check("/none", 99)));
  });
});

test("each permission bit opens its own operation", async () => {
  await pair.check(async (scene) => {
    const owner = await scene.actor("owner");
    await owner.ask(auth("digest", "owner:x"));
    const other = await scene.actor("other");
    for (const bits of [0, perm.read, perm.write, perm.create, perm.delete, perm.admin]) {
      const path = `/bits${bits}`;
      await owner.ask(create(path, { acl: [aclOf(perm.all, "auth", ""), aclOf(bits, "world", "anyone")] }));
      await owner.ask(create(`${path}/kid`));
      await other.ask(exists(path));
      await other.ask(getData(path));
      await other.ask(getChildren2(path));
      await other.ask(getAcl(path));
      await other.ask(setData(path, "x"));
      await other.ask(create(`${path}/new`));
      await other.ask(remove(`${path}/kid`));
      await other.ask(multi(check(path, 0)));
      await other.ask(setAcl(path, openAcl));
    }
  });
});

test("cversion on the wire counts creates and deletes of children", async () => {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.ask(create("/p"));
    for (let round = 0; round < 3; round++) {
      await a.pipeline([create("/p/x"), exists("/p"), create("/p/y"), remove("/p/x"), exists("/p"), remove("/p/y")]);
    }
    await a.ask(exists("/p"));
    await a.ask(exists("/"));
    await a.ask(exists("/zookeeper"));
    await a.ask(exists("/zookeeper/quota"));
    await a.ask(exists("/zookeeper/config"));
  });
});
