/** Scenarios about single znodes and their changes: crud, create-modes, multi, acl. */

import { Relay } from "./relay.mjs";
import { bytes, connect, say, zookeeper } from "./speech.mjs";

const { ACL, CreateMode, Id, Permission, State } = zookeeper;

export async function crud(hosts) {
  const a = await connect(hosts, "a");
  await creatingAndReading(a);
  await changing(a);
  await deleting(a);
  await badPaths(a);
  await a.tell("mkdirp", "/crud/with/many/parents", bytes("each"));
  await a.tell("mkdirp", "/crud/with/many/parents");
  await a.get("/crud/with/many");
  await a.create("/flat");
  for (const name of ["x", "y", "z"]) await a.create(`/flat/${name}`);
  await a.tell("removeRecursive", "/flat");
  await a.exists("/flat");
  await a.tell("removeRecursive", "/flat");
  await a.tell("listSubTreeBFS", "/crud/with");
  await a.children("/");
  await a.close();
}

async function creatingAndReading(a) {
  await a.create("/crud", "first");
  await a.exists("/crud");
  await a.get("/crud");
  await a.children("/crud");
  await a.acl("/crud");
  await a.create("/crud", "again");
  await a.create("/crud/no/parent");
  for (const data of ["", null, "\0\0\0", "text"]) {
    const path = await a.create("/crud/data-", data, CreateMode.PERSISTENT_SEQUENTIAL);
    await a.get(path);
    await a.exists("/crud");
  }
  for (const path of ["/absent", "/crud/absent/deeper", "/", "/zookeeper", "/zookeeper/quota"]) {
    await a.exists(path);
    await a.get(path);
    await a.children(path);
    await a.acl(path);
  }
}

async function changing(a) {
  await a.set("/crud", "second");
  await a.set("/crud", "third", 1);
  await a.set("/crud", "stale", 1);
  await a.set("/crud", "far ahead", 2147483647);
  await a.set("/crud", "negative", -2);
  await a.set("/crud", "");
  await a.get("/crud");
  await a.set("/crud", null);
  await a.set("/absent", "nobody");
  await a.set("/", "of the root");
  await a.get("/");
  for (let version = 3; version < 12; version++) {
    await a.set("/crud", `version ${version}`, version);
    await a.set("/crud", "too late", version);
  }
}

async function deleting(a) {
  await a.create("/crud/gone");
  await a.remove("/crud");
  await a.remove("/crud/gone", 3);
  await a.remove("/crud/gone", 0);
  await a.remove("/crud/gone");
  await a.remove("/absent/child");
  await a.remove("/");
  await a.remove("/zookeeper");
  await a.remove("/zookeeper/quota");
  await a.create("/crud/passing", "", CreateMode.EPHEMERAL);
  await a.create("/crud/passing/child");
  await a.remove("/crud/passing", 0);
  await a.exists("/crud");
}

async function badPaths(a) {
  for (const path of [
    "",
    "/",
    "relative",
    "/crud/",
    "/crud//twice",
    "/./dot",
    "/crud/..",
    "/...",
    "/crud/\0",
    "/crud/\u0001",
    "/a\nb",
  ]) {
    await a.create(path);
    await a.exists(path);
    await a.get(path);
    await a.set(path, "");
    await a.remove(path);
  }
}

export async function createModes(hosts) {
  const a = await connect(hosts, "a");
  const b = await connect(hosts, "b");
  await a.create("/modes");
  for (let mode = -1; mode <= 8; mode++) {
    const path = await a.create(`/modes/m${mode}-`, "1", mode);
    if (typeof path !== "string") continue;
    await a.exists(path);
    await a.create(`${path}/child`);
    await a.children(path);
    await a.exists("/modes");
  }
  await counters(a);
  await ofTwoSessions(a, b);
  await b.close();
  await a.children("/modes");
  await a.children("/two");
  await a.close();
}

/** The number of a sequential znode counts the changes of its parent's children, deletes and plain creates included. */
async function counters(a) {
  const sequential = CreateMode.PERSISTENT_SEQUENTIAL;
  await a.create("/counters");
  await a.remove(await a.create("/counters/s-", "", sequential));
  await a.create("/counters/s-", "", sequential);
  await a.create("/counters/plain");
  await a.create("/counters/s-", "", sequential);
  await a.set("/counters", "a change of data does not count");
  await a.create("/counters/other-", "", CreateMode.EPHEMERAL_SEQUENTIAL);
  await a.create("/counters/absent/s-", "", sequential);
  await a.create("/counters/s-0000000006", "in the way of a later number");
  for (let round = 0; round < 3; round++) await a.create("/counters/s-", "", sequential);
  await a.create("/root-", "", sequential);
  await a.create("/", "", sequential);
  await a.children("/counters");
  await a.children("/");
}

async function ofTwoSessions(a, b) {
  await a.create("/two");
  for (const one of [a, b]) {
    await one.create(`/two/of-${one.name}`, one.name, CreateMode.EPHEMERAL);
    await one.create("/two/both", "", CreateMode.EPHEMERAL);
  }
  await a.exists("/two/of-b");
  await b.exists("/two/of-a");
  await b.remove("/two/of-a");
  await b.create("/two/of-a", "now of the other", CreateMode.EPHEMERAL);
  await a.exists("/two/of-a");
  await a.set("/two/of-b", "changed by a");
  await b.get("/two/of-b");
  for (const one of [a, b]) {
    await one.create("/two/q-", one.name, CreateMode.EPHEMERAL_SEQUENTIAL);
    await one.create("/two/q-", one.name, CreateMode.EPHEMERAL_SEQUENTIAL);
  }
  await a.children("/two");
}

const nothing = Buffer.alloc(0);
const creating = (path, mode = CreateMode.PERSISTENT, acl = ACL.OPEN_ACL_UNSAFE) => [
  "create",
  path,
  nothing,
  acl,
  mode,
];
const setting = (path, text, version) => ["setData", path, bytes(text), version];

export async function multi(hosts) {
  const a = await connect(hosts, "a");
  const stranger = await connect(hosts, "stranger");
  await a.create("/multi", "0");
  await a.commit(
    ["check", "/multi", -1],
    creating("/multi/a"),
    creating("/multi/s-", CreateMode.PERSISTENT_SEQUENTIAL),
    creating("/multi/e", CreateMode.EPHEMERAL),
    creating("/multi/es-", CreateMode.EPHEMERAL_SEQUENTIAL),
    setting("/multi", "2", -1),
    ["remove", "/multi/a", -1],
  );
  await a.get("/multi");
  await a.children("/multi");
  await partsThatBuildOnEachOther(a);
  await failuresInEachPlace(a, stranger);
  await a.commit();
  const names = Array.from({ length: 200 }, (_, number) => `/multi/n${String(number).padStart(3, "0")}`);
  await a.commit(...names.map((path) => creating(path)));
  await a.exists("/multi");
  await a.commit(...names.map((path) => ["remove", path, -1]));
  await a.children("/multi");
  await a.close();
  await stranger.close();
}

/** The library takes a version of 0 for any version, so that the checks here begin at 1. */
async function partsThatBuildOnEachOther(a) {
  await a.commit(creating("/multi/p"), creating("/multi/p/q"), setting("/multi/p/q", "x", -1), [
    "check",
    "/multi/p/q",
    1,
  ]);
  await a.commit(["remove", "/multi/p/q", 1], ["remove", "/multi/p", 0], creating("/multi/p"), [
    "check",
    "/multi/p",
    0,
  ]);
  await a.commit(setting("/multi/p", "1", -1), setting("/multi/p", "2", 1), setting("/multi/p", "3", 2));
  await a.get("/multi/p");
  await a.commit(creating("/multi/s-", 2), creating("/multi/s-", 2));
  await a.commit(["remove", "/multi/p"], creating("/multi/p/q"));
  await a.commit(creating("/multi/t"), ["check", "/multi/t", 1]);
  await a.exists("/multi");
}

async function failuresInEachPlace(a, stranger) {
  const closed = [new ACL(Permission.ALL, new Id("digest", "somebody:b25lIGVsc2U="))];
  await a.create("/multi/closed", "", CreateMode.PERSISTENT, closed);
  const failing = [
    creating("/absent/child"),
    creating("/multi/e"),
    creating("/multi/e/child"),
    creating("/multi/bad\0path"),
    creating("/multi/bad-mode", 99),
    creating("/multi/ttl", 5),
    creating("/multi/bad-acl", 0, [new ACL(31, new Id("nope", "x"))]),
    creating("/multi/closed/child"),
    setting("/absent", "", -1),
    setting("/multi/e", "", 7),
    setting("/multi/closed", "", -1),
    ["remove", "/absent"],
    ["remove", "/multi/e", 7],
    ["remove", "/multi"],
    ["remove", "/"],
    ["check", "/absent", 1],
    ["check", "/absent", -1],
    ["check", "/multi/e", 7],
    ["check", "/multi/closed", 1],
  ];
  const others = [creating("/multi/one"), setting("/multi/e", "changed", -1)];
  for (const part of failing) {
    for (let place = 0; place < 3; place++) {
      await stranger.commit(...others.slice(0, place), part, ...others.slice(place));
      await stranger.exists("/multi");
    }
  }
  await stranger.commit(failing[0], failing[1], failing[2]);
  await a.children("/multi");
  await a.get("/multi/e");
}

const world = (permission) => new ACL(permission, Id.ANYONE_ID_UNSAFE);
/** `owner:secret`, as the digest scheme keeps it. */
const ownerAcl = new ACL(Permission.ALL, new Id("digest", "owner:5HvnQ1Ge13J3sNMnhxR41P9b/6Q="));

export async function acl(hosts) {
  const owner = await connect(hosts, "owner");
  const stranger = await connect(hosts, "stranger");
  owner.client.addAuthInfo("digest", bytes("owner:secret"));
  await eachPermissionMissing(owner, stranger);
  await kindsOfLists(owner, stranger);
  await invalidLists(owner);
  await identities(hosts, owner, stranger);
  await owner.close();
  await stranger.close();
  await aWrongScheme(hosts);
}

async function eachPermissionMissing(owner, stranger) {
  for (const [name, missing] of Object.entries(Permission)) {
    if (missing === Permission.ALL) continue;
    const path = `/without-${name}`;
    await owner.create(path, "data", CreateMode.PERSISTENT, [ownerAcl, world(Permission.ALL & ~missing)]);
    await owner.create(`${path}/child`);
    await stranger.get(path);
    await stranger.exists(path);
    await stranger.children(path);
    await stranger.acl(path);
    await stranger.set(path, "changed");
    await stranger.set(path, "changed", 99);
    await stranger.create(`${path}/new`);
    await stranger.remove(`${path}/child`);
    await stranger.commit(["check", path, -1], creating(`${path}/in-multi`));
    await stranger.tell("setACL", path, [ownerAcl, world(Permission.READ)], -1);
    await owner.acl(path);
    await stranger.acl(path);
    await owner.children(path);
  }
  await owner.create("/nobody", "", CreateMode.PERSISTENT, [ownerAcl]);
  for (const call of ["get", "exists", "children", "acl", "remove"]) await stranger[call]("/nobody");
}

async function kindsOfLists(owner, stranger) {
  const of = (scheme, id, permission = Permission.ALL) => new ACL(permission, new Id(scheme, id));
  const lists = [
    ACL.OPEN_ACL_UNSAFE,
    ACL.CREATOR_ALL_ACL,
    ACL.READ_ACL_UNSAFE,
    [ownerAcl, of("ip", "127.0.0.1", Permission.READ)],
    [of("ip", "127.0.0.1")],
    [of("ip", "127.0.0.0/8")],
    [of("ip", "10.0.0.1")],
    [world(Permission.ALL), world(Permission.ALL)],
    [world(Permission.READ), world(Permission.WRITE)],
  ];
  for (const [number, list] of lists.entries()) {
    const path = `/list-${number}`;
    await owner.create(path, "x", CreateMode.PERSISTENT, list);
    for (const one of [owner, stranger]) {
      await one.acl(path);
      await one.get(path);
      await one.set(path, "y");
    }
  }
  await owner.create("/versioned");
  await owner.tell("setACL", "/versioned", lists[3], 0);
  await owner.tell("setACL", "/versioned", lists[0], 0);
  await owner.tell("setACL", "/versioned", lists[0], 1);
  await owner.tell("setACL", "/versioned", lists[0]);
  await owner.tell("setACL", "/absent", lists[0]);
  await stranger.acl("/versioned");
  await stranger.get("/zookeeper/config");
  await stranger.set("/zookeeper/config", "");
  await stranger.acl("/zookeeper/config");
}

async function invalidLists(owner) {
  await owner.create("/valid");
  const invalid = [
    "nope:x",
    ":",
    "world:somebody",
    "digest:no-colon",
    "digest:two:colons:here",
    "ip:no address",
    "ip:127.0.0.1/33",
    "x509:CN=x",
  ];
  for (const text of invalid) {
    const at = text.indexOf(":");
    const entry = new ACL(Permission.ALL, new Id(text.slice(0, at) || " ", text.slice(at + 1) || " "));
    await owner.create("/invalid", text, CreateMode.PERSISTENT, [entry]);
    await owner.tell("setACL", "/valid", [entry], -1);
    await owner.tell("setACL", "/valid", [world(Permission.ALL), entry], -1);
  }
  await owner.acl("/valid");
  await owner.exists("/invalid");
}

async function identities(hosts, owner, stranger) {
  await owner.create("/of-owner", "", CreateMode.PERSISTENT, ACL.CREATOR_ALL_ACL);
  await stranger.create("/of-nobody", "", CreateMode.PERSISTENT, ACL.CREATOR_ALL_ACL);
  await stranger.get("/of-owner");
  for (const identity of ["other:password", "owner:wrong", "owner:secret"]) {
    stranger.client.addAuthInfo("digest", bytes(identity));
    await stranger.get("/of-owner");
  }
  await stranger.create("/of-three", "", CreateMode.PERSISTENT, ACL.CREATOR_ALL_ACL);
  await stranger.acl("/of-three");
  await owner.acl("/of-three");
  const way = await Relay.open(hosts);
  const late = await connect(way.hosts, "late");
  late.client.addAuthInfo("digest", bytes("owner:secret"));
  await late.get("/of-owner");
  way.close();
  await late.awaitStates(State.DISCONNECTED);
  way.forward();
  await late.awaitStates(State.SYNC_CONNECTED);
  await late.get("/of-owner");
  await late.close();
  const root = await connect(hosts, "super");
  root.client.addAuthInfo("digest", bytes("super:test"));
  for (const path of ["/nobody", "/of-owner", "/of-three", "/list-6", "/zookeeper/config"]) {
    await root.get(path);
    await root.acl(path);
  }
  await root.tell("setACL", "/nobody", ACL.OPEN_ACL_UNSAFE);
  await stranger.get("/nobody");
  await root.close();
}

/** A scheme that the server does not know ends the connection, and the library gives up. */
async function aWrongScheme(hosts) {
  const lost = await connect(hosts, "lost");
  lost.client.addAuthInfo("nope", bytes("anything"));
  await lost.awaitStates(State.AUTH_FAILED, State.DISCONNECTED);
  await lost.exists("/");
  say("state", lost.client.getState().getName());
}
