/** Scenarios about events: watches, watch-order. The library knows data, exists and child watches that fire once. */

import { connect, say, zookeeper } from "./speech.mjs";

const { ACL, CreateMode } = zookeeper;
const znode = "/w/znode";
const data = Buffer.from("multi");

const kinds = ["exists", "get", "children"];

const changes = {
  set: (c) => c.set(znode, "new"),
  "set the same": (c) => c.set(znode, "old"),
  "set refused": (c) => c.set(znode, "new", 9),
  setACL: (c) => c.tell("setACL", znode, ACL.OPEN_ACL_UNSAFE, -1),
  "create child": (c) => c.create(`${znode}/new`),
  "create ephemeral child": (c) => c.create(`${znode}/e-`, "", CreateMode.EPHEMERAL_SEQUENTIAL),
  "delete child": (c) => c.remove(`${znode}/child`),
  "set child": (c) => c.set(`${znode}/child`, "new"),
  "create grandchild": (c) => c.create(`${znode}/child/deep`),
  delete: (c) => c.removeAll(znode),
  multi: (c) => c.commit(["setData", znode, data], ["create", `${znode}/m`, data], ["setData", znode, data]),
  "failed multi": (c) => c.commit(["setData", znode, data], ["check", znode, 99]),
  "multi delete": (c) => c.commit(["remove", `${znode}/child`], ["remove", znode]),
  "multi replace": (c) => c.commit(["remove", `${znode}/child`], ["remove", znode], ["create", znode, data]),
};

export async function watches(hosts) {
  const watching = await connect(hosts, "watching");
  const writing = await connect(hosts, "writing");
  await writing.create("/w");
  for (const kind of kinds) {
    for (const [name, change] of Object.entries(changes)) await watchAndChange(watching, writing, kind, name, change);
  }
  await watchesOnWhatIsAbsent(watching, writing);
  await severalWatches(hosts, watching, writing);
  await watching.close();
  await writing.close();
}

/** One watch, one change, and the same change again: what was seen after each. */
async function watchAndChange(watching, writing, kind, name, change) {
  await fresh(writing);
  say(name);
  await watching[kind](znode, watching.watch(kind));
  await change(writing);
  await watching.tellEvents("seen");
  await fresh(writing);
  await change(writing);
  await watching.tellEvents("seen in all");
}

/** The znode with one child, as before any change; a watch that was left behind sees this, too. */
async function fresh(c) {
  const [stat] = await c.ask("exists", znode);
  if (stat) await c.removeAll(znode);
  await c.ask("create", znode, Buffer.from("old"));
  await c.ask("create", `${znode}/child`);
}

async function watchesOnWhatIsAbsent(watching, writing) {
  const makes = [
    (path) => writing.create(path),
    (path) => writing.create(path, "", CreateMode.EPHEMERAL),
    (path) => writing.commit(["create", path]),
    (path) => writing.commit(["create", path], ["remove", path]),
  ];
  for (const [number, create] of makes.entries()) {
    const path = `/absent-${number}`;
    for (const kind of kinds) await watching[kind](path, watching.watch(kind));
    await create(path);
    await watching.tellEvents("created");
    await writing.remove(path);
    await watching.tellEvents("deleted");
  }
}

async function severalWatches(hosts, watching, writing) {
  const other = await connect(hosts, "other");
  await fresh(writing);
  const first = watching.watch("first");
  for (const watch of [first, first, watching.watch("second")]) {
    for (const kind of kinds) await watching[kind](znode, watch);
  }
  await other.get(znode, other.watch("other"));
  await other.children("/w", other.watch("children of the parent"));
  await writing.set(znode, "1");
  await watching.tellEvents("after set");
  await other.tellEvents("after set");
  await writing.create(`${znode}/new`);
  await watching.tellEvents("after create");
  for (const one of [watching, other]) {
    await one.exists(`${znode}/new`, one.watch("exists"));
    await one.children(`${znode}/new`, one.watch("children"));
  }
  await writing.removeAll(znode);
  await watching.tellEvents("after delete");
  await other.tellEvents("after delete");
  await watching.exists("/w/own", watching.watch("own"));
  await watching.create("/w/own");
  await watching.tellEvents("a client sees its own changes");
  await other.exists("/w/own", other.watch("left behind"));
  await other.close();
  await writing.remove("/w/own");
  say("seen after the end", other.seen);
}

export async function watchOrder(hosts) {
  const watching = await connect(hosts, "watching");
  const writing = await connect(hosts, "writing");
  await eventsBeforeReplies(watching, writing);
  await manyChanges(watching, writing);
  await eventsOfAMulti(watching, writing);
  await eventsOfASession(hosts, watching);
  await watching.close();
  await writing.close();
}

/** No read may show a change before the event of the change has come. */
async function eventsBeforeReplies(watching, writing) {
  await writing.create("/order", "0");
  let early = 0;
  for (let number = 1; number <= 100; number++) {
    await watching.ask("getData", "/order", watching.watch(number));
    const pending = writing.ask("setData", "/order", Buffer.from(String(number)));
    while (String((await watching.ask("getData", "/order"))[0]) !== String(number));
    if (watching.seen.at(-1)?.[0] === number) early++;
    await pending;
  }
  say("data: event before reply", early, watching.seen.length);
  early = 0;
  for (let number = 1; number <= 100; number++) {
    await watching.ask("getChildren", "/order", watching.watch(-number));
    const pending = writing.ask("create", `/order/c${number}`);
    while ((await watching.ask("getChildren", "/order"))[0].length < number);
    if (watching.seen.at(-1)?.[0] === -number) early++;
    await pending;
  }
  say("children: event before reply", early, watching.seen.length);
  await watching.tellEvents("all events");
}

/** Events come in the order of the changes, whatever the order of the watches. */
async function manyChanges(watching, writing) {
  await writing.create("/many");
  const paths = Array.from({ length: 50 }, (_, number) => `/many/${String(number).padStart(2, "0")}`);
  for (const path of paths) {
    await writing.ask("create", path);
    await watching.ask("getData", path, watching.watch("data"));
    await watching.ask("exists", `${path}x`, watching.watch("absent"));
  }
  const order = paths.map((_, number) => paths[(number * 17) % paths.length]);
  await Promise.all(
    order.flatMap((path, number) => [
      number % 3 === 0 ? writing.ask("remove", path) : writing.ask("setData", path, Buffer.alloc(0)),
      writing.ask("create", `${path}x`),
    ]),
  );
  const events = await watching.takeEvents();
  for (let from = 0; from < events.length; from += 10) say("events", events.slice(from, from + 10));
}

async function eventsOfAMulti(watching, writing) {
  await writing.create("/batch");
  for (const name of ["a", "b", "c"]) {
    await writing.create(`/batch/${name}`);
    await watching.get(`/batch/${name}`, watching.watch("get"));
    await watching.children(`/batch/${name}`, watching.watch("children"));
  }
  await watching.children("/batch", watching.watch("children"));
  await watching.exists("/batch/new", watching.watch("exists"));
  await writing.commit(
    ["setData", "/batch/c", data],
    ["create", "/batch/a/child"],
    ["remove", "/batch/b"],
    ["create", "/batch/new"],
    ["setData", "/batch/a", data],
    ["remove", "/batch/c"],
    ["create", "/batch/b"],
  );
  await watching.tellEvents("events of a multi");
}

/** A session's ephemerals go together; each has its event, and their parent has one. */
async function eventsOfASession(hosts, watching) {
  const passing = await connect(hosts, "passing");
  await watching.create("/stay");
  for (let number = 0; number < 8; number++) {
    await passing.create(`/stay/e${number}`, "", CreateMode.EPHEMERAL);
    await watching.exists(`/stay/e${number}`, watching.watch("exists"));
  }
  await watching.children("/stay", watching.watch("children"));
  await passing.close();
  await watching.tellSorted("events of a session's end");
  await watching.children("/stay");
}
