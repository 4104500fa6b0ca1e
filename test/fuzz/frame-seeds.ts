/** Requests that a real client has sent (test/fixtures/frames), and one of each other kind, as inputs to begin with. */

import { readdirSync, readFileSync } from "node:fs";
import { Bytes } from "../support/bytes.ts";
import { body, op } from "../support/wire-frames.ts";

interface Fixture {
  readonly opcode: number | null;
  readonly exchanges: readonly { readonly request: string }[];
}

const folder = new URL("../fixtures/frames/", import.meta.url);
const headerBytes = 8;

export interface SeedRequest {
  readonly type: number;
  readonly body: Buffer;
}

/** Handshakes, without their lengths. */
export const recordedHandshakes: readonly Buffer[] = fixture("connect.json").exchanges.map(({ request }) =>
  Buffer.from(request, "hex"),
);

/** Requests of every kind, grouped as they were recorded, behind those that make the znodes that most of them name. */
export const recordedRequests: readonly (readonly SeedRequest[])[] = [
  ...readdirSync(folder)
    .filter((name) => name.endsWith(".json") && name !== "connect.json")
    .map((name) => [...(name === "create.json" ? [] : namedZnodes()), ...requestsIn(fixture(name))]),
  ...handMade(),
];

function requestsIn({ opcode, exchanges }: Fixture): SeedRequest[] {
  return exchanges.map(({ request }) => ({ type: opcode!, body: Buffer.from(request, "hex").subarray(headerBytes) }));
}

function namedZnodes(): SeedRequest[] {
  return [create("/a"), create("/c", 1)];
}

function create(path: string, flags = 0): SeedRequest {
  return { type: op.create, body: body.create(path, "data", flags) };
}

/** What the recorded ones lack: znodes that are there, quotas, sequences, parts of every kind. */
function handMade(): SeedRequest[][] {
  const quota = "/zookeeper/quota/a/zookeeper_limits";
  return [
    [create("/a"), create("/a/b"), create("/a/s-", 3), { type: op.getChildren2, body: body.watched("/a", true) }],
    [
      create("/a"),
      create("/zookeeper/quota/a"),
      create(quota),
      { type: op.setData, body: body.setData(quota, "count=1,bytes=9", -1) },
      create("/a/b"),
    ],
    [
      create("/a"),
      {
        type: op.multi,
        body: body.multi([
          { type: op.create, body: body.create("/a/x", "1", 3) },
          { type: op.setData, body: body.setData("/a", "2", 0) },
          { type: op.check, body: body.versioned("/a", 1) },
          { type: op.delete, body: body.versioned("/a/x", -1) },
        ]),
      },
    ],
    [
      create("/a", 1),
      {
        type: op.setACL,
        body: new Bytes()
          .string("/a")
          .acl([{ perms: 31, scheme: "auth", id: "" }])
          .int(-1)
          .build(),
      },
    ],
    [
      { type: op.auth, body: new Bytes().int(0).string("digest").buffer(Buffer.from("u:p")).build() },
      {
        type: op.create,
        body: new Bytes()
          .string("/d")
          .buffer(null)
          .acl([{ perms: 1, scheme: "auth", id: "" }])
          .int(0)
          .build(),
      },
      { type: op.getData, body: body.watched("/d") },
    ],
    [
      {
        type: op.createTTL,
        body: new Bytes()
          .raw(body.create("/t", "", 5))
          .long(1000n)
          .build(),
      },
      { type: op.createContainer, body: body.create("/c", "", 4) },
      create("/c/a"),
      { type: op.delete, body: body.versioned("/c/a", -1) },
      { type: 20, body: body.path("/c") },
    ],
    [
      create("/w"),
      { type: op.addWatch, body: new Bytes().string("/w").int(1).build() },
      create("/w/a"),
      { type: op.setData, body: body.setData("/w/a", "x", -1) },
      { type: op.removeWatches, body: new Bytes().string("/w").int(3).build() },
    ],
    [create("/a"), { type: 16, body: new Bytes().string("server.5=h:1:2").string("1").string(null).long(-1n).build() }],
  ];
}

function fixture(name: string): Fixture {
  return JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Fixture;
}
