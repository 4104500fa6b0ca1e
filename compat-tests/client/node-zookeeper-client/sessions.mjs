/**
 * Scenarios about sessions: session-end, session-expiry, session-move, restart, crash.
 *
 * While a server goes and comes back its clients are kept away: ZooKeeper may accept a connection while it starts, and
 * never answer it, and a client would wait for that until its session has expired.
 */

import { Relay } from "./relay.mjs";
import { ask, connect, eventually, plain, say, Spoken, zookeeper } from "./speech.mjs";

const { CreateMode, State } = zookeeper;

/** The timeout of sessions that are to expire. */
const briefMs = 2000;

export async function sessionEnd(hosts) {
  const a = await connect(hosts, "a");
  const watching = await connect(hosts, "watching");
  say("session", a.sessionId(), a.client.getSessionTimeout(), a.client.getSessionPassword().length);
  await a.create("/end");
  for (const name of ["x", "y"]) {
    await a.create(`/end/${name}`, "", CreateMode.EPHEMERAL);
    await watching.exists(`/end/${name}`, watching.watch(name));
  }
  await a.create("/end/stays");
  const pending = Promise.all([a.tell("getData", "/end/stays"), a.tell("setData", "/end/stays", Buffer.from("last"))]);
  await a.close();
  await pending;
  await watching.tellSorted("seen");
  await watching.children("/end");
  await watching.get("/end/stays");
  await a.get("/end/stays");
  await a.create("/end/late");
  await notFoundAgain(hosts, a, watching);
  await manySessions(hosts, watching);
  await timeouts(hosts);
  await watching.close();
}

async function notFoundAgain(hosts, a, watching) {
  const again = comeAgain(hosts, "again", a.client.getSessionId(), a.client.getSessionPassword());
  await again.awaitStates(State.EXPIRED, State.DISCONNECTED);
  await again.exists("/end");
  await watching.exists("/end");
}

/** A client that names a session, whether it is alive or not. */
function comeAgain(hosts, name, sessionId, sessionPassword) {
  const settings = { sessionTimeout: 20_000, spinDelay: 50, sessionId, sessionPassword };
  const again = new Spoken(zookeeper.createClient(hosts, settings), name);
  again.client.connect();
  return again;
}

async function manySessions(hosts, watching) {
  const many = [];
  for (let number = 0; number < 20; number++) {
    const one = await connect(hosts, `many ${number}`);
    await one.create(`/many-${number}`, "", CreateMode.EPHEMERAL);
    many.push(one);
  }
  await watching.children("/");
  for (const [number, one] of many.entries()) {
    await one.close();
    if (number === 9) await watching.children("/");
  }
  await watching.children("/");
}

/** What is asked for and what is granted: between 2 and 20 ticks. */
async function timeouts(hosts) {
  for (const sessionTimeout of [1, 4000, 15_000, 40_000, 100_000]) {
    const one = await connect(hosts, `${sessionTimeout} ms`, { sessionTimeout });
    say("granted", sessionTimeout, one.client.getSessionTimeout());
    await one.close();
  }
}

export async function sessionExpiry(hosts) {
  const way = await Relay.open(hosts);
  const watching = await connect(hosts, "watching");
  const silent = await connect(way.hosts, "silent", { sessionTimeout: briefMs });
  say("session", silent.sessionId(), silent.client.getSessionTimeout());
  await silent.create("/plain");
  await silent.create("/passing-0", "0", CreateMode.EPHEMERAL);
  await silent.create("/passing-1", "1", CreateMode.EPHEMERAL);
  await silent.create("/passing-q-", "2", CreateMode.EPHEMERAL_SEQUENTIAL);
  await silent.get("/plain", silent.watch("plain"));
  await watching.exists("/passing-1", watching.watch("passing-1"));
  const goneWatch = Promise.withResolvers();
  await watching.ask("exists", "/passing-0", goneWatch.resolve);
  const begun = performance.now();
  await silent.exists("/passing-0");
  way.fallSilent();
  say("gone", await goneWatch.promise);
  say("not before its time", performance.now() - begun >= briefMs);
  await watching.tellEvents("seen");
  await watching.children("/");
  way.forward();
  await silent.awaitStates(State.DISCONNECTED, State.EXPIRED, State.DISCONNECTED);
  await silent.get("/plain");
  const anew = await connect(way.hosts, "anew", { sessionTimeout: briefMs });
  say("another session", anew.sessionId());
  await anew.get("/passing-0");
  await anew.create("/passing-0", "again", CreateMode.EPHEMERAL);
  await byACut(way, watching, anew);
  await watching.close();
}

/** The same when the connection is cut: a session lives on until its time is over. */
async function byACut(way, watching, anew) {
  let isGone = false;
  await watching.exists("/passing-0", () => {
    isGone = true;
  });
  way.close();
  await anew.awaitStates(State.DISCONNECTED);
  await watching.exists("/passing-0");
  const waiting = anew.tell("getData", "/plain");
  await eventually("the session expires", () => isGone);
  await watching.exists("/passing-0");
  way.forward();
  await anew.awaitStates(State.EXPIRED, State.DISCONNECTED);
  // A request that was kept for the next connection is never answered: the library drops it without a word.
  say("answered", await Promise.race([waiting.then(() => true), watching.ask("exists", "/").then(() => false)]));
}

export async function sessionMove(hosts) {
  const watching = await connect(hosts, "watching");
  const [firstWay, secondWay] = [await Relay.open(hosts), await Relay.open(hosts)];
  const first = await connect(firstWay.hosts, "first");
  await first.create("/moving", "", CreateMode.EPHEMERAL);
  await watching.exists("/moving", watching.watch("moving"));
  const [id, password] = [first.client.getSessionId(), first.client.getSessionPassword()];
  say("session", first.sessionId());

  firstWay.refuse();
  const second = comeAgain(secondWay.hosts, "second", id, password);
  await second.awaitStates(State.SYNC_CONNECTED);
  await first.awaitStates(State.DISCONNECTED);
  say("same session", second.sessionId(), second.client.getSessionPassword().equals(password));
  await second.exists("/moving");
  await second.set("/moving", "by the second");
  await second.create("/moved", "", CreateMode.EPHEMERAL);

  secondWay.refuse();
  firstWay.forward();
  await first.awaitStates(State.SYNC_CONNECTED);
  await second.awaitStates(State.DISCONNECTED);
  say("moved back", first.sessionId());
  await first.get("/moving");
  await first.exists("/moved");

  await wrongIdentities(hosts, firstWay, first, id, password);
  await watching.tellEvents("seen");
  await first.close();
  await watching.children("/");
  await watching.close();
}

/** A wrong password and ids that never were: the client hears that its session has expired. */
async function wrongIdentities(hosts, way, owner, id, password) {
  way.close();
  await owner.awaitStates(State.DISCONNECTED);
  const wrong = {
    "wrong password": [id, Buffer.from(password).fill(1, 3, 4)],
    "no password": [id, Buffer.alloc(16)],
    "unknown id": [Buffer.from("0000000123456789", "hex"), password],
    "negative id": [Buffer.from("ffffffffffffff01", "hex"), password],
  };
  for (const [name, [wrongId, wrongPassword]] of Object.entries(wrong)) {
    const client = comeAgain(hosts, name, wrongId, wrongPassword);
    await client.awaitStates(State.EXPIRED, State.DISCONNECTED);
    await client.exists("/moving");
  }
  way.forward();
  await owner.awaitStates(State.SYNC_CONNECTED);
  say("the owner has it still", owner.sessionId());
  await owner.exists("/moving");
}

export async function restart(hosts) {
  await liveThrough(hosts, ["restart"]);
  await liveThrough(hosts, ["stop", "start"]);
}

/** One client comes back at once, one is kept away until a change has been made. */
async function liveThrough(hosts, wishes) {
  const [way, directWay] = [await Relay.open(hosts), await Relay.open(hosts)];
  const cutOff = await connect(way.hosts, "cut off");
  const direct = await connect(directWay.hosts, "direct");
  const before = JSON.stringify([cutOff.sessionId(), direct.sessionId()]);
  const root = `/${wishes.join("-")}`;
  await cutOff.create(root);
  await cutOff.create(`${root}/ephemeral`, "before", CreateMode.EPHEMERAL);
  await direct.create(`${root}/direct`, "before", CreateMode.EPHEMERAL);
  await direct.create(`${root}/s-`, "", CreateMode.PERSISTENT_SEQUENTIAL);
  for (const name of ["changed", "deleted", "untouched", "parent"]) {
    await cutOff.create(`${root}/${name}`, "1");
    await cutOff.get(`${root}/${name}`, cutOff.watch("get"));
  }
  for (const name of ["created", "never"]) await cutOff.exists(`${root}/${name}`, cutOff.watch("exists"));
  for (const name of ["parent", "untouched"]) await cutOff.children(`${root}/${name}`, cutOff.watch("children"));
  await direct.get(`${root}/changed`, direct.watch("get"));
  way.close();
  await cutOff.awaitStates(State.DISCONNECTED);
  directWay.refuse();
  for (const wish of wishes) await ask(wish);
  directWay.forward();
  await direct.awaitStates(State.DISCONNECTED, State.SYNC_CONNECTED);
  await direct.children(root);
  await direct.get(`${root}/direct`);
  await direct.set(`${root}/changed`, "2");
  await direct.tellEvents("its own watch has survived");
  await direct.remove(`${root}/deleted`);
  await direct.create(`${root}/created`);
  await direct.create(`${root}/parent/child`);
  await direct.create(`${root}/s-`, "", CreateMode.PERSISTENT_SEQUENTIAL);
  const waiting = cutOff.tell("getData", `${root}/changed`);
  way.forward();
  await waiting;
  await cutOff.awaitStates(State.SYNC_CONNECTED);
  say("same sessions", JSON.stringify([cutOff.sessionId(), direct.sessionId()]) === before);
  await cutOff.tellSorted("what happened meanwhile");
  await direct.set(`${root}/untouched`, "3");
  await direct.create(`${root}/never`);
  await direct.create(`${root}/untouched/child`);
  await cutOff.tellEvents("the others are set still");
  await cutOff.exists(`${root}/ephemeral`);
  await cutOff.close();
  await direct.children(root);
  await direct.close();
}

/** Killed in the middle of a stream of writes; what was acknowledged is there, and so is the session. */
export async function crash(hosts) {
  const way = await Relay.open(hosts);
  const writer = await connect(way.hosts, "writer");
  const session = JSON.stringify(writer.sessionId());
  await writer.create("/stream");
  await writer.create("/ephemeral", "", CreateMode.EPHEMERAL);
  const acknowledged = new Map();
  const streams = Array.from({ length: 20 }, (_, stream) => writeUntilLost(writer, stream, acknowledged));
  await eventually("800 acknowledged", () => acknowledged.size >= 800);
  way.refuse();
  await ask("crash");
  way.forward();
  say("ends of streams", (await Promise.all(streams)).map(plain));
  await writer.awaitStates(State.DISCONNECTED, State.SYNC_CONNECTED);
  say("same session", JSON.stringify(writer.sessionId()) === session);
  const lost = [];
  for (const [path, text] of acknowledged) {
    const [data] = await writer.ask("getData", path).catch(() => [null]);
    if (String(data) !== text) lost.push(path);
  }
  say("lost", lost);
  const [names, stat] = await writer.ask("getChildren", "/stream");
  const { size } = acknowledged;
  say(
    "counts",
    names.length >= size,
    names.length <= size + 20,
    stat.cversion === names.length,
    stat.numChildren === names.length,
  );
  await writer.get("/stream/3-0");
  await writer.exists("/ephemeral");
  await writer.create("/afterwards");
  await writer.close();
}

/** Creates one znode after the other and notes what was acknowledged; gives the error that ends it. */
async function writeUntilLost(writer, stream, acknowledged) {
  for (let number = 0; ; number++) {
    const path = `/stream/${stream}-${number}`;
    try {
      await writer.ask("create", path, Buffer.from(`${stream} ${number}`));
    } catch (error) {
      return error;
    }
    acknowledged.set(path, `${stream} ${number}`);
  }
}
