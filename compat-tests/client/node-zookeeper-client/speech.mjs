/**
 * How the scenarios speak: one JSON value a line, in which every answer, Stat, error and event is told in full.
 *
 * `connect` gives a client whose every call is told, with its arguments and what came of it:
 *
 *   ["a","create",["/crud","data"],"/crud"]
 *   ["a","getData",["/crud"],["data",{"czxid":2, ... }]]
 *   ["a","remove",["/absent"],{"error":"NO_NODE"}]
 *
 * Data is shown as text; what is long is shown by its size and its hash. Lists of names are sorted, since ZooKeeper gives
 * them in the order of a hash table. The library's 64-bit numbers are buffers: zxids and times are shown as numbers,
 * owners and session ids as text. Nothing is masked here.
 */

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

/** The library under test. */
export const zookeeper = createRequire(import.meta.url)(process.env.ZOOKEEPER_CLIENT);

const { ACL, CreateMode, State } = zookeeper;
const patienceMs = 60_000;
const longestShown = 120;

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export function say(...values) {
  process.stdout.write(`${JSON.stringify(values.map(plain))}\n`);
}

/** Has the server stopped, killed or started; comes back when it is done. */
export async function ask(wish) {
  process.stdout.write(`${JSON.stringify({ ask: wish })}\n`);
  await input.next();
}

/** Any result of the library as JSON can hold it. */
export function plain(value) {
  if (value === undefined) return null;
  if (Buffer.isBuffer(value)) return shortened(value.toString(), value);
  if (typeof value === "string") return shortened(value, Buffer.from(value));
  if (value instanceof Error)
    return { error: value.name, ...(value.code === undefined ? { text: value.message } : {}) };
  if (value instanceof ACL) return [value.permission, value.id.scheme, value.id.id];
  if (Array.isArray(value)) return plainList(value);
  if (typeof value !== "object" || value === null) return value;
  if ("czxid" in value) return plainStat(value);
  if (typeof value.getName === "function") return { event: value.getName(), path: value.path };
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}

function plainStat(stat) {
  const fields = ["czxid", "mzxid", "ctime", "mtime", "version", "cversion", "aversion", "ephemeralOwner"];
  return Object.fromEntries(
    [...fields, "dataLength", "numChildren", "pzxid"].map((name) => [name, plainNumber(name, stat[name])]),
  );
}

function plainNumber(name, value) {
  if (!Buffer.isBuffer(value)) return value;
  const number = value.readBigInt64BE();
  return name === "ephemeralOwner" ? String(number) : Number(number);
}

function shortened(text, bytes) {
  if (text.length <= longestShown) return text;
  return { begins: text.slice(0, 20), bytes: bytes.length, sha256: hash(bytes) };
}

export function hash(data) {
  return createHash("sha256").update(data).digest("hex").slice(0, 16);
}

function plainList(values) {
  const shown = values.map(plain);
  if (values.length <= 60) return shown;
  return { items: values.length, first: shown[0], last: shown.at(-1), all: hash(JSON.stringify(shown)) };
}

/** Waits until the condition holds. */
export async function eventually(what, condition) {
  const deadline = Date.now() + patienceMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export function bytes(text) {
  return text === null ? null : Buffer.from(text);
}

/** A client that says what each call gave; what its watches and its connection see is kept in order. */
export class Spoken {
  seen = [];
  states = [];

  constructor(client, name) {
    this.client = client;
    this.name = name;
    client.on("state", (state) => this.states.push(state.getName()));
  }

  /** Calls a method of the client, without a word: its results as a list. An answer that never comes is an error. */
  ask(method, ...words) {
    return new Promise((resolve, reject) => {
      const patience = setTimeout(() => reject(new Error(`no answer to ${method} ${words[0]}`)), patienceMs);
      this.client[method](...words, (error, ...results) => {
        clearTimeout(patience);
        if (error) reject(error);
        else resolve(results);
      });
    });
  }

  /** Calls a method of the client and says its error or its results. */
  async tell(method, ...words) {
    const shown = words.filter((word) => typeof word !== "function");
    try {
      const results = await this.ask(method, ...words);
      say(this.name, method, shown, ...results);
      return results[0];
    } catch (error) {
      say(this.name, method, shown, error);
      return error;
    }
  }

  create(path, data = "", mode = CreateMode.PERSISTENT, acl = ACL.OPEN_ACL_UNSAFE) {
    return this.tell("create", path, bytes(data), acl, mode);
  }

  get(path, watcher) {
    return this.tell("getData", path, ...(watcher ? [watcher] : []));
  }

  exists(path, watcher) {
    return this.tell("exists", path, ...(watcher ? [watcher] : []));
  }

  async children(path, watcher) {
    try {
      const [names, stat] = await this.ask("getChildren", path, ...(watcher ? [watcher] : []));
      say(this.name, "getChildren", path, names.sort(), stat);
    } catch (error) {
      say(this.name, "getChildren", path, error);
    }
  }

  set(path, data, version = -1) {
    return this.tell("setData", path, bytes(data), version);
  }

  remove(path, version = -1) {
    return this.tell("remove", path, version);
  }

  async acl(path) {
    try {
      const [list, stat] = await this.ask("getACL", path);
      say(this.name, "getACL", path, list.map((entry) => JSON.stringify(plain(entry))).sort(), stat);
    } catch (error) {
      say(this.name, "getACL", path, error);
    }
  }

  /** Commits a transaction of parts such as ["create", "/a", Buffer]; says its error and the result of each part. */
  async commit(...parts) {
    const transaction = this.client.transaction();
    const shown = parts.map(([method, path, ...rest]) => [
      method,
      path,
      ...rest.filter((word) => !Array.isArray(word)),
    ]);
    try {
      for (const [method, ...words] of parts) transaction[method](...words);
    } catch (error) {
      say(this.name, "part", shown, error);
      return;
    }
    await new Promise((resolve) => {
      transaction.commit((error, results) => {
        say(this.name, "commit", shown, error, results);
        resolve();
      });
    });
  }

  /** Removes a znode and all below it, without a word; the library's own removeRecursive stops at the second level. */
  async removeAll(path) {
    const [names] = await this.ask("getChildren", path);
    for (const name of names) await this.removeAll(`${path}/${name}`);
    await this.ask("remove", path);
  }

  watch(label) {
    return (event) => this.seen.push([label, event]);
  }

  /** Says all events up to a read that begins now: none may come later for a change before it. */
  async tellEvents(what) {
    say(this.name, what, await this.takeEvents());
  }

  /** The same where the order is that of a hash table. */
  async tellSorted(what) {
    say(this.name, what, (await this.takeEvents()).map((one) => JSON.stringify(plain(one))).sort());
  }

  async takeEvents() {
    await this.ask("exists", "/");
    const seen = this.seen;
    this.seen = [];
    return seen;
  }

  /** Waits for these states, no more and no fewer, and says them. */
  async awaitStates(...wanted) {
    const last = wanted.at(-1).getName();
    await eventually(
      `${this.name} is ${wanted.join()} after ${this.states.join()}`,
      () => this.states.length >= wanted.length && this.states.at(-1) === last,
    );
    say(this.name, "states", this.states);
    this.states.length = 0;
  }

  sessionId() {
    return { sessionId: String(this.client.getSessionId().readBigInt64BE()) };
  }

  async close() {
    this.client.close();
    await this.awaitStates(State.DISCONNECTED);
  }
}

/** Begins a session; it outlives a restart of the server unless told otherwise. */
export async function connect(hosts, name, options = {}) {
  const client = zookeeper.createClient(hosts, { sessionTimeout: 20_000, spinDelay: 50, ...options });
  const spoken = new Spoken(client, name);
  client.connect();
  await spoken.awaitStates(State.SYNC_CONNECTED);
  return spoken;
}
