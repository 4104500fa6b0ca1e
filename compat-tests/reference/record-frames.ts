/**
 * Records test/fixtures/frames/: a real server's answers, opcode by opcode, as hex of frame bodies (no length word).
 *
 *   <opcode name>.json  { zookeeper, opcode, exchanges: [{ title, request, reply, events }] }
 *   connect.json        the handshake in its variants
 *
 * `reply` is null where the server closed the connection instead; `events` are the notifications that came before it.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { int, record } from "../wire/bytes.ts";
import { connectRequest, WireConnection, type ConnectOptions } from "../wire/connection.ts";
import {
  aclOf,
  addWatch,
  auth,
  check,
  checkWatches,
  closeSession,
  create,
  create2,
  createContainer,
  createTtl,
  exists,
  flag,
  getAcl,
  getAllChildrenNumber,
  getChildren,
  getChildren2,
  getData,
  getEphemerals,
  multi,
  multiRead,
  op,
  openAcl,
  perm,
  ping,
  reconfig,
  remove,
  removeContainer,
  removeWatches,
  request,
  sasl,
  setAcl,
  setData,
  setWatches,
  setWatches2,
  sync,
  whoAmI,
  type Request,
} from "../wire/requests.ts";
import { headerOf } from "../wire/transcript.ts";
import { TestServer } from "./server.ts";

interface Exchange {
  readonly title: string;
  readonly request: string;
  readonly reply: string | null;
  readonly events: readonly string[];
}

const secretAcl = [aclOf(perm.all, "auth", ""), aclOf(perm.read, "world", "anyone")];

/** What is asked, in order, on one connection of a fresh server. */
const questions: readonly Request[] = [
  ping,
  create("/a", { data: "hello" }),
  create("/a"),
  create("/null", { data: null }),
  create("/b", { flags: flag.ephemeral }),
  create("/a/s-", { flags: flag.persistentSequential }),
  create("/e-", { flags: flag.ephemeralSequential }),
  create("/no/such", {}),
  create("/bad", { acl: [] }),
  create("/bad", { flags: 9 }),
  create2("/c", { data: Buffer.from([0, 1, 2, 255]) }),
  create2("/c"),
  createContainer("/box"),
  createTtl("/ttl", 60_000, { data: "t" }),
  createTtl("/ttl", 0),
  auth("digest", "user:password"),
  create("/secret", { data: "s", acl: secretAcl }),
  getAcl("/secret"),
  getAcl("/a"),
  getAcl("/none"),
  setAcl("/a", [...openAcl, aclOf(perm.read, "ip", "10.0.0.0/8")]),
  setAcl("/a", [aclOf(perm.all, "nobody", "x")]),
  setAcl("/a", openAcl, 7),
  exists("/a", true),
  exists("/absent", true),
  getData("/a", true),
  getData("/null"),
  getData("/absent"),
  getChildren("/a", true),
  getChildren2("/a"),
  getChildren("/absent"),
  getChildren2("/absent"),
  setData("/a", "world"),
  setData("/a", null, 1),
  setData("/a", "x", 99),
  setData("/absent", "x"),
  create("/absent"),
  create("/a/child"),
  getAllChildrenNumber("/"),
  getAllChildrenNumber("/absent-too"),
  getEphemerals("/"),
  getEphemerals("/b"),
  sync("/a"),
  addWatch("/a", 0),
  addWatch("/a", 1),
  addWatch("/a", 2),
  setData("/a", "watched"),
  checkWatches("/a", 3),
  checkWatches("/nothing", 3),
  removeWatches("/a", 4),
  removeWatches("/a", 5),
  removeWatches("/a", 3),
  setWatches(0n, { data: ["/a", "/gone"], exist: ["/a", "/never"], child: ["/a", "/gone"] }),
  setWatches2(0n, { data: ["/c"], persistent: ["/p"], recursive: ["/r"] }),
  create("/r"),
  create("/r/x"),
  multi(create("/m"), create2("/m/a", { data: "1" }), setData("/m", "2"), check("/m", 1), remove("/m/a")),
  multi(create("/n"), check("/m", 0), remove("/m")),
  multi(createContainer("/mc"), createTtl("/mt", 5000)),
  multi(),
  multiRead(getData("/m"), getChildren("/m"), getData("/absent-too")),
  multiRead(),
  remove("/m", 5),
  remove("/r"),
  remove("/m"),
  remove("/absent-too"),
  removeContainer("/box"),
  whoAmI,
  sasl(Buffer.alloc(0)),
  reconfig({ joining: null, leaving: null, members: null, version: -1n }),
  request(op.create, int(7), "create with an undecodable body"),
  request(op.getData, int(7), "getData with an undecodable body"),
  closeSession,
];

const names = new Map<number, string>(Object.entries(op).map(([name, code]) => [code, name]));

/** Records the frames of a fresh server into `folder`. */
export async function recordFrames(folder: string): Promise<void> {
  const server = await new TestServer("reference", { config: { extendedTypesEnabled: "true" } }).start();
  try {
    const byOpcode = new Map<number, Exchange[]>();
    const connection = await WireConnection.open(server.port);
    await connection.handshake();
    for (const question of questions) {
      const list = byOpcode.get(question.op) ?? [];
      byOpcode.set(question.op, list);
      list.push(await exchange(connection, question));
    }
    for (const [code, exchanges] of byOpcode) {
      write(folder, names.get(code) ?? String(code), { zookeeper: "3.9.5", opcode: code, exchanges });
    }
    write(folder, "connect", { zookeeper: "3.9.5", opcode: null, exchanges: await handshakes(server.port) });
  } finally {
    await server.dispose();
  }
}

async function exchange(connection: WireConnection, question: Request): Promise<Exchange> {
  const xid = connection.nextXid(question.op);
  connection.submit(question, xid);
  const events: string[] = [];
  for (;;) {
    const frame = await connection.nextFrame();
    if (frame !== null && headerOf(frame).xid === -1) {
      events.push(frame.toString("hex"));
      continue;
    }
    const sent = record(int(xid), int(question.op), question.body).toString("hex");
    return { title: question.title, request: sent, reply: frame?.toString("hex") ?? null, events };
  }
}

async function handshakes(port: number): Promise<Exchange[]> {
  const first = await WireConnection.open(port);
  const response = await first.handshake({ timeoutMs: 10_000 });
  if (response === null) throw new Error("the reference refused a session");
  const known = { sessionId: response.readBigInt64BE(8), password: response.subarray(20, 36) };
  first.cut();
  const variants: [string, ConnectOptions][] = [
    ["a new session", { timeoutMs: 10_000 }],
    ["a new session without the readOnly byte", { timeoutMs: 10_000, readOnly: null }],
    ["a new session that may be read-only", { timeoutMs: 10_000, readOnly: true }],
    ["a session found again", { timeoutMs: 10_000, ...known }],
    ["a wrong password", { timeoutMs: 10_000, ...known, password: Buffer.alloc(16, 7) }],
    ["an unknown session without the readOnly byte", { timeoutMs: 10_000, sessionId: 77n, readOnly: null }],
    ["a client ahead of the server", { timeoutMs: 10_000, lastZxidSeen: 1n << 40n }],
  ];
  const recorded: Exchange[] = [];
  for (const [title, options] of variants) {
    const connection = await WireConnection.open(port);
    const reply = await connection.handshake(options);
    const request = connectRequest(options).toString("hex");
    recorded.push({ title, request, reply: reply?.toString("hex") ?? null, events: [] });
    connection.cut();
  }
  return recorded;
}

function write(folder: string, name: string, content: object): void {
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(content, null, 1)}\n`);
}
