/** Scenarios about what a tree can hold: chroot, quotas, large-data, unicode, many-children. */

import { connect, hash, say, zookeeper } from "./speech.mjs";

const { CreateMode, State } = zookeeper;

export async function chroot(hosts) {
  const outside = await connect(hosts, "outside");
  await outside.tell("mkdirp", "/root/inner");
  const inside = await connect(`${hosts}/root`, "inside");
  await inside.children("/");
  await inside.create("/inner/x", "1");
  await outside.get("/root/inner/x");
  await inside.get("/inner/x");
  await inside.create("/inner/s-", "", CreateMode.PERSISTENT_SEQUENTIAL);
  await inside.create("/inner/e-", "", CreateMode.EPHEMERAL_SEQUENTIAL);
  await inside.get("/nothing");
  await inside.exists("/");
  await inside.set("/", "of the chroot");
  await outside.get("/root");
  await inside.acl("/");
  await inside.commit(
    ["create", "/inner/m"],
    ["setData", "/inner/x", Buffer.from("2")],
    ["create", "/inner/m/n"],
    ["check", "/inner"],
  );
  await inside.commit(["create", "/inner/m2"], ["remove", "/nothing"]);
  await inside.exists("/w", inside.watch("exists"));
  await inside.get("/inner/x", inside.watch("get"));
  await inside.children("/", inside.watch("children of the chroot"));
  await inside.children("/inner", inside.watch("children"));
  await outside.create("/root/w");
  await outside.set("/root/inner/x", "3");
  await outside.create("/root/inner/new");
  await inside.tellEvents("events have paths within the chroot");
  await inside.removeAll("/inner");
  await outside.children("/root");
  await withoutItsRoot(hosts, outside);
  await inside.remove("/");
  await inside.close();
  await outside.close();
}

async function withoutItsRoot(hosts, outside) {
  const lost = await connect(`${hosts}/not-there/at/all`, "lost");
  await lost.create("/x");
  await lost.exists("/");
  await lost.children("/");
  await lost.exists("/x", lost.watch("exists"));
  await lost.commit(["create", "/x"]);
  await outside.tell("mkdirp", "/not-there/at/all/x");
  await lost.tellEvents("made from outside");
  await lost.children("/");
  await lost.close();
}

const quotaRoot = "/zookeeper/quota";

/** As `zkCli setquota` does it. */
async function setQuota(a, path, limits) {
  await a.tell("mkdirp", quotaRoot + path);
  await a.create(`${quotaRoot}${path}/zookeeper_limits`, limits);
  await a.create(`${quotaRoot}${path}/zookeeper_stats`, "count=0,bytes=0");
  await showQuota(a, path);
}

async function showQuota(a, path) {
  await a.get(`${quotaRoot}${path}/zookeeper_limits`);
  await a.get(`${quotaRoot}${path}/zookeeper_stats`);
}

export async function quotas(hosts) {
  const a = await connect(hosts, "a");
  await a.create("/soft", "12345");
  await a.create("/soft/child", "678");
  await setQuota(a, "/soft", "count=3,bytes=20");
  await use(a, "/soft");
  await a.create("/hard", "12345");
  await setQuota(a, "/hard", "count=-1,bytes=-1=;byteHardLimit=40;countHardLimit=4");
  await a.create("/hard/a", "678");
  await a.create("/hard/b", "x".repeat(32));
  await a.set("/hard/a", "");
  await showQuota(a, "/hard");
  await a.create("/soft/inner", "i");
  await setQuota(a, "/soft/inner", "count=10,bytes=100");
  await a.create("/soft/inner/x", "xyz");
  await showQuota(a, "/soft");
  await showQuota(a, "/soft/inner");
  await refusal(a);
  await a.exists("/hard/c");
  await a.removeAll(`${quotaRoot}/hard`);
  await a.create("/hard/c", "x".repeat(60));
  await a.children(quotaRoot);
  await a.close();
}

/** Beyond a hard limit. The library does not know the error and throws where nobody can catch it, save the process. */
async function refusal(a) {
  const thrown = new Promise((resolve) => {
    process.once("uncaughtException", resolve);
  });
  a.client.create("/hard/c", Buffer.alloc(60), () => say("answered"));
  say("refused", String(await thrown));
}

/** Changes of every kind, beyond a soft limit as well. */
async function use(a, path) {
  await a.create(`${path}/b`, "90");
  await a.set(`${path}/b`, "longer than before");
  await a.set(`${path}/b`, "");
  await a.create(`${path}/b/deep`, "x");
  await a.create(`${path}/c`, "x".repeat(50));
  await a.create(`${path}/d`, "", CreateMode.EPHEMERAL);
  await showQuota(a, path);
  await a.commit(["create", `${path}/m1`], ["setData", `${path}/b`, Buffer.from("bb")], ["remove", `${path}/c`]);
  await a.commit(["create", `${path}/m3`], ["check", path, 99]);
  await showQuota(a, path);
  await a.create(`${path}neighbour`, "not below it");
  await a.remove(`${path}/b/deep`);
  await a.set(path, "its own data counts");
  await showQuota(a, path);
}

export async function largeData(hosts) {
  const a = await connect(hosts, "a");
  await a.create("/ephemeral", "", CreateMode.EPHEMERAL);
  const megabyte = "0123456789".repeat(100_000);
  await a.create("/large", megabyte);
  await a.get("/large");
  await a.set("/large", megabyte.slice(1));
  await a.get("/large");
  await a.create("/nearly", "n".repeat(1_048_000));
  await a.get("/nearly");
  // The library refuses more than a mebibyte of data itself; the frame around that much is too large for the server.
  await a.create("/too-large", "t".repeat(1_048_577));
  await a.create("/too-large", "t".repeat(1_048_576));
  await a.awaitStates(State.DISCONNECTED, State.SYNC_CONNECTED);
  await a.exists("/too-large");
  await a.set("/nearly", "t".repeat(1_048_576));
  await a.awaitStates(State.DISCONNECTED, State.SYNC_CONNECTED);
  await a.exists("/nearly");
  await a.exists("/ephemeral");
  await largeMulti(a);
  for (const length of [1000, 50_000, 500_000]) {
    const path = `/${"p".repeat(length)}`;
    await a.create(path, "data of a long path");
    await a.get(path);
    await a.create(`${path}/child`);
    await a.children(path);
    await a.remove(await a.create(`${path}/s-`, "", CreateMode.PERSISTENT_SEQUENTIAL));
    await a.tell("removeRecursive", path);
  }
  await a.children("/");
  await a.close();
}

const creates = (total, size, prefix) =>
  Array.from({ length: total }, (_, number) => ["create", `/multi/${prefix}${number}`, Buffer.alloc(size, "x")]);

async function largeMulti(a) {
  await a.create("/multi");
  await a.commit(...creates(300, 3000, "a"));
  await a.children("/multi");
  await a.get("/multi/a299");
  await a.commit(...creates(130, 10_000, "b"));
  await a.awaitStates(State.DISCONNECTED, State.SYNC_CONNECTED);
  await a.exists("/multi");
}

export async function unicode(hosts) {
  const a = await connect(hosts, "a");
  await a.create("/u");
  const texts = [
    "grüße-façade",
    "Ζωολογία",
    "зоопарк",
    "גן-חיות",
    "حديقة",
    "动物园",
    "どうぶつえん",
    "동물원",
    "สวนสัตว์",
    "cafe\u0301",
    "caf\u00e9",
    "a b\u00a0c\u3000d",
    "a\u200bb\u200dc",
    "\ufeffx",
    "\uffef",
  ];
  for (const text of texts) {
    const path = `/u/${text}`;
    await a.exists(path, a.watch("exists"));
    await a.create(path, text);
    await a.get(path);
    await a.create(`${path}/${text}-`, text, CreateMode.PERSISTENT_SEQUENTIAL);
    await a.children(path);
    await a.tellEvents("seen");
    await a.commit(["create", `${path}多`], ["setData", path, Buffer.from("多")], ["remove", `${path}多`]);
  }
  await a.children("/u");
  for (const character of [
    "\0",
    "\u0001",
    "\u001f",
    "\u007f",
    "\u009f",
    "\ue000",
    "\uf8ff",
    "\ufff0",
    "\uffff",
    "😀",
    "𝒵",
    " ",
    "\u00a0",
  ]) {
    const path = `/u/x${character}y`;
    await a.create(path);
    await a.exists(path);
    await a.create(`${path}-`, "", CreateMode.PERSISTENT_SEQUENTIAL);
    await a.commit(["create", `${path}m`]);
  }
  for (const data of ["😀 🐘", "\0", "多"]) {
    await a.set("/u", data);
    await a.get("/u");
  }
  await a.children("/u");
  await a.close();
}

const count = 10_000;

const name = (number) => `/many/child-${String(number).padStart(5, "0")}`;

export async function manyChildren(hosts) {
  const a = await connect(hosts, "a");
  const watching = await connect(hosts, "watching");
  await a.create("/many");
  await watching.children("/many", watching.watch("first child"));
  await pipelined(count, (number) => a.ask("create", name(number), Buffer.from(String(number))));
  await watching.tellEvents("one event");
  await summary(a);
  await a.get(name(4999));
  await watching.ask("getChildren", "/many", watching.watch("delete"));
  await watching.exists(name(77), watching.watch("one of them"));
  await pipelined(count / 2, (number) => a.ask("remove", name(number)));
  await watching.tellSorted("two events");
  await summary(a);
  await a.create("/many/s-", "", CreateMode.PERSISTENT_SEQUENTIAL);
  await pipelined(1000, () => a.ask("create", "/many/q-", CreateMode.PERSISTENT_SEQUENTIAL));
  await summary(a);
  await a.remove("/many");
  const [names] = await a.ask("getChildren", "/many");
  await pipelined(names.length, (number) => a.ask("remove", `/many/${names[number]}`));
  await summary(a);
  await a.remove("/many");
  await a.exists("/many");
  await a.close();
  await watching.close();
}

async function summary(a) {
  const [names, stat] = await a.ask("getChildren", "/many");
  names.sort();
  say("children", names.length, names[0], names.at(-1), hash(names.join("\n")), stat);
}

/** Makes `total` requests, a hundred of them on their way at a time: the library copies what it has not read yet, each time. */
async function pipelined(total, call) {
  for (let from = 0; from < total; from += 100) {
    await Promise.all(Array.from({ length: Math.min(100, total - from) }, (_, index) => call(from + index)));
  }
}
