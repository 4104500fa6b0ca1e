/**
 * Requests that cost much more to answer than to ask, many in one piece: what goes through a whole tree, lists and texts at
 * the limit of a frame, and long jobs of the server itself. Nobody gets more than a slice of time before others are heard.
 */

import { Bytes } from "../support/bytes.ts";
import { WireClient } from "../support/wire-client.ts";
import { body, flag, op, openAcl, requestFrame } from "../support/wire-frames.ts";
import type { Attack, Values } from "./attack.ts";
import { gauge } from "./gauge.ts";
import { createMany, Pipeliner } from "./pipelined.ts";
import { until } from "./raw-socket.ts";

const aclEntriesMax = 4096;

const wholeTree: Attack = {
  name: "requests that go through a tree",
  about:
    "getAllChildrenNumber of a large tree and getEphemerals of a session that owns many, hundreds of each in one piece",
  limits: () => [{ measure: "unanswered", atMost: 0 }],
  run: async (stage) => {
    const server = await stage.server();
    const znodes = stage.pick(30_000, 1_000_000);
    const count = stage.pick(300, 500);
    await makeTree(server.port, "/counted", znodes);
    return stage.beside(server, async () => {
      const asker = await createMany(server.port, stage.pick(500, 5000), (i) => `/e${i}`, { flags: flag.ephemeral });
      const before = asker.replies;
      asker.send(
        op.getAllChildrenNumber,
        Array.from({ length: count }, () => body.path("/counted")),
      );
      asker.send(
        op.getEphemerals,
        Array.from({ length: count }, () => body.path("/")),
      );
      await until(() => asker.replies === before + 2 * count);
      const unanswered = before + 2 * count - asker.replies;
      asker.socket.reset();
      return { attempts: 2 * count, unanswered };
    });
  },
};

/** What was asked before a write is answered before it: the second write, and all that come behind it, wait until it is. */
const betweenWrites: Attack = {
  name: "such requests between two writes",
  about: "a write, getAllChildrenNumber of a large tree again and again, and another write, in one piece",
  limits: () => [{ measure: "unanswered", atMost: 0 }],
  run: async (stage) => {
    const server = await stage.server();
    const znodes = stage.pick(30_000, 1_000_000);
    const count = stage.pick(100, 500);
    await makeTree(server.port, "/tree", znodes);
    return stage.beside(server, async () => {
      const asker = await Pipeliner.open(server.port);
      const write = body.setData("/tree", "");
      asker.send(op.setData, [write]);
      asker.send(
        op.getAllChildrenNumber,
        Array.from({ length: count }, () => body.path("/tree")),
      );
      asker.send(op.setData, [write]);
      await until(() => asker.replies === count + 2);
      const unanswered = count + 2 - asker.replies;
      asker.socket.reset();
      return { attempts: count + 2, unanswered };
    });
  },
};

async function makeTree(port: number, root: string, znodes: number): Promise<void> {
  using client = await WireClient.connect(port);
  await client.create(root);
  const filler = await createMany(port, znodes, (i) => `${root}/n${i}`);
  filler.socket.reset();
}

const longAcls: Attack = {
  name: "reads past a long ACL",
  about:
    "a znode whose ACL has as many entries as one may have, none of which allows the caller; asked for by one who has hundreds of identities, thousands of times in one piece",
  limits: () => [{ measure: "unanswered", atMost: 0 }],
  run: async (stage) => {
    const server = await stage.server();
    return stage.beside(server, async () => {
      using owner = await WireClient.connect(server.port);
      const acl = Array.from({ length: aclEntriesMax - 1 }, (_, i) => ({
        perms: 31,
        scheme: "digest",
        id: `user-${i}:AAAAAAAAAAAAAAAAAAAAAAAAAAA=`,
      }));
      const made = await owner.request(op.create, body.create("/guarded", "", flag.persistent, acl));
      if (made.err !== 0) throw new Error(`the znode was refused: ${made.err}`);
      using asker = await WireClient.connect(server.port, { timeoutMs: 40_000 });
      for (let i = 0; i < stage.pick(20, 100); i++) await asker.auth("digest", `other-${i}:secret`);
      const count = stage.pick(500, 1000);
      const replies = await Promise.all(
        Array.from({ length: count }, () => asker.request(op.getData, body.watched("/guarded"))),
      );
      return { attempts: count, refused: replies.filter(({ err: code }) => code === -102).length, unanswered: 0 };
    });
  },
};

/** What is sent, to be made four times as long. */
interface Text {
  readonly about: string;
  readonly frame: (size: number) => Buffer;
  readonly size: number;
}

const xid = 7;

/** What is compared, split or matched, as long as a frame may be; a quarter of each is sent first. */
const texts: readonly Text[] = [
  {
    about: "equal entries of an ACL",
    size: 4000,
    frame: (size) => createWith(Array.from({ length: size }, () => ({ perms: 31, scheme: "digest", id: "a:b" }))),
  },
  {
    about: "different entries of an ACL",
    size: 4000,
    frame: (size) =>
      createWith(Array.from({ length: size }, (_, i) => ({ perms: 31, scheme: "digest", id: `${i}:b` }))),
  },
  {
    about: "colons in a digest",
    size: 800_000,
    frame: (size) => createWith([{ perms: 31, scheme: "digest", id: ":".repeat(size) }]),
  },
  {
    about: "dots in an address",
    size: 800_000,
    frame: (size) => createWith([{ perms: 31, scheme: "ip", id: "1.".repeat(size / 2) }]),
  },
  {
    about: "colons in an address",
    size: 800_000,
    frame: (size) => createWith([{ perms: 31, scheme: "ip", id: "1:".repeat(size / 2) }]),
  },
  {
    about: "slashes in a mask",
    size: 800_000,
    frame: (size) => createWith([{ perms: 31, scheme: "ip", id: "1/".repeat(size / 2) }]),
  },
  {
    about: "pairs in a quota",
    size: 800_000,
    frame: (size) =>
      requestFrame(xid, op.setData, body.setData("/zookeeper/quota/q/zookeeper_limits", "count=1,".repeat(size / 8))),
  },
  {
    about: "blanks in a quota",
    size: 800_000,
    frame: (size) =>
      requestFrame(xid, op.setData, body.setData("/zookeeper/quota/q/zookeeper_limits", `count=${" ".repeat(size)}1`)),
  },
  {
    about: "slashes in a path",
    size: 800_000,
    frame: (size) => requestFrame(xid, op.exists, body.watched("/a".repeat(size / 2))),
  },
  {
    about: "dots in a path",
    size: 800_000,
    frame: (size) => requestFrame(xid, op.create, body.create("/.".repeat(size / 2))),
  },
  {
    about: "a digest's password",
    size: 800_000,
    frame: (size) =>
      requestFrame(-4, op.auth, new Bytes().int(0).string("digest").buffer(Buffer.alloc(size, ":")).build()),
  },
];

/** All of them, none longer than that many bytes or so. */
export function textFrames(bytesMax: number): Buffer[] {
  return texts.map(({ frame, size }) => frame(Math.min(size, bytesMax)));
}

function createWith(acl: { perms: number; scheme: string; id: string }[]): Buffer {
  return requestFrame(xid, op.create, body.create("/texts/none/there", "", flag.persistent, acl));
}

/** The shortest of several times that an answer to the frame takes. */
async function answerMs(client: WireClient, frame: Buffer): Promise<number> {
  let shortest = Infinity;
  const rounds = 5;
  for (let i = 0; i < rounds; i++) {
    const fromMs = performance.now();
    const reply = client.awaitReply(frame.readInt32BE(4));
    client.sendRaw(frame);
    await reply;
    shortest = Math.min(shortest, performance.now() - fromMs);
  }
  return shortest;
}

const textBombs: Attack = {
  name: "texts and lists at the limit",
  about: `what is compared, split, sorted or matched, as long as a frame may be: ${texts.map(({ about }) => about).join(", ")}`,
  limits: () => [
    // Four, if it is linear; sixteen, if it is the square. Below a floor it is the machine's.
    { measure: "growthTimes", atMost: 8 },
    { measure: "unanswered", atMost: 0 },
  ],
  run: async (stage) => {
    const server = await stage.server();
    const floorMs = 15;
    return stage.beside(server, async () => {
      let growthTimes = 0;
      let tookMs = 0;
      for (const { frame, size } of texts) {
        using client = await WireClient.connect(server.port, { timeoutMs: 40_000 });
        const quarterMs = await answerMs(client, frame(size / 4));
        const wholeMs = await answerMs(client, frame(size));
        growthTimes = Math.max(growthTimes, wholeMs / Math.max(quarterMs, floorMs));
        tookMs = Math.max(tookMs, wholeMs);
      }
      return { attempts: texts.length, growthTimes, tookMs, unanswered: 0 };
    });
  },
};

const longJobs: Attack = {
  name: "long jobs",
  about: "snapshots of a large tree one after the other, and multis of ten thousand parts, while others work",
  limits: () => [
    { measure: "unanswered", atMost: 0 },
    { measure: "replies", atLeast: 3 },
  ],
  run: async (stage) => {
    const znodes = stage.pick(20_000, 1_000_000);
    const server = await stage.server({ settings: { snapCount: stage.pick(2000, 50_000) } });
    const filler = await createMany(server.port, znodes, (i) => `/n${i}`);
    const snapshots = (): Promise<number> => gauge(server.port, "cnt_snapshottime");
    const before = await snapshots();
    return stage.beside(server, async () => {
      using client = await WireClient.connect(server.port, { timeoutMs: 40_000 });
      const parts = Array.from({ length: 10_000 }, (_, i) => ({
        type: op.create,
        body: body.create(`/m${i}`, "", flag.persistent, openAcl),
      }));
      const undo = parts.map((_, i) => ({ type: op.delete, body: body.versioned(`/m${i}`) }));
      let wrong = 0;
      let replies = 0;
      const wanted = stage.pick(3, 20);
      const isDone = async (): Promise<boolean> => replies >= wanted && (await snapshots()) > before;
      while (!(await isDone())) {
        for (const part of [parts, undo]) if ((await client.request(op.multi, body.multi(part))).err !== 0) wrong++;
        await filler.run(op.setData, 2000, (i) => body.setData(`/n${i}`, "x"));
        replies++;
      }
      return { attempts: 2 * replies, replies, unanswered: wrong } satisfies Values;
    });
  },
};

export const costlyAttacks: readonly Attack[] = [wholeTree, betweenWrites, longAcls, textBombs, longJobs];
