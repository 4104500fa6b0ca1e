/** What is said on the election port, byte by byte. */

import { describe, expect, it } from "vitest";
import { MarshallingError } from "#jute/reader.ts";
import { decodeInitialMessage, encodeInitialMessage } from "#quorum/initial-message.ts";
import { decodeNotification, encodeNotification } from "#quorum/notification.ts";
import { isSameVote, noVote, ServerState, type Vote } from "#quorum/vote.ts";
import { Bytes } from "../support/bytes.ts";

const vote: Vote = {
  leader: 3n,
  zxid: 0x200000007n,
  electionEpoch: 5n,
  peerEpoch: 2n,
  state: ServerState.following,
  version: 2,
};

describe("a notification", () => {
  it("has ZooKeeper's layout", () => {
    const bytes = new Bytes().int(1).long(3n).long(0x200000007n).long(5n).long(2n).int(2).string("version=0").build();
    expect(encodeNotification(vote, "version=0")).toEqual(bytes);
    expect(decodeNotification(bytes)).toEqual({ ...vote, config: "version=0" });
  });

  it("of a server that does not vote says so three times", () => {
    const none = { ...vote, leader: noVote, zxid: noVote, peerEpoch: noVote };
    expect(decodeNotification(encodeNotification(none, ""))).toEqual({ ...none, config: "" });
  });

  it("of old servers is shorter", () => {
    const oldest = new Bytes().int(2).long(3n).long(0x200000007n).long(5n);
    expect(decodeNotification(oldest.build())).toEqual({ ...vote, state: 2, version: 0, config: null });
    const old = new Bytes().int(2).long(3n).long(0x200000007n).long(5n).long(9n).int(1);
    expect(decodeNotification(old.build())).toEqual({ ...vote, state: 2, peerEpoch: 9n, version: 0, config: null });
  });

  it.each([
    ["is cut in the middle of its fields", encodeNotification(vote, "").subarray(0, 36)],
    ["is too short", Buffer.alloc(27)],
    ["is of a state that there is not", new Bytes().int(4).raw(encodeNotification(vote, "").subarray(4)).build()],
    ["promises a longer configuration", encodeNotification(vote, "version=0").subarray(0, 50)],
    [
      "promises a negative configuration",
      Buffer.concat([encodeNotification(vote, "").subarray(0, 40), Buffer.alloc(4, 255)]),
    ],
    ["has no room for the configuration's length", encodeNotification(vote, "").subarray(0, 42)],
  ])("that %s is skipped", (_, bytes) => {
    expect(() => decodeNotification(bytes)).toThrow(MarshallingError);
  });
});

describe("votes", () => {
  const looking = { ...vote, state: ServerState.looking };

  it("of servers that look agree in everything", () => {
    expect(isSameVote(looking, { ...looking, version: 0 })).toBe(true);
    for (const field of ["leader", "zxid", "electionEpoch", "peerEpoch"] as const) {
      expect(isSameVote(looking, { ...looking, [field]: 99n }), field).toBe(false);
    }
  });

  it("of servers that do not agree in leader and epoch", () => {
    expect(isSameVote(vote, { ...vote, zxid: 99n, electionEpoch: 99n, state: ServerState.leading })).toBe(true);
    expect(isSameVote(vote, { ...vote, peerEpoch: 99n })).toBe(false);
  });

  it("of servers of before 3.4.6 need only agree in the leader", () => {
    expect(isSameVote(vote, { ...vote, peerEpoch: 99n, version: 0 })).toBe(true);
    expect(isSameVote(vote, { ...vote, leader: 1n, version: 0 })).toBe(false);
  });
});

describe("the first words on an election connection", () => {
  it("have ZooKeeper's layout", () => {
    const bytes = new Bytes().long(-65536n).long(3n).string("10.0.0.3:3888").build();
    expect(encodeInitialMessage(3n, [{ host: "10.0.0.3", port: 3888 }])).toEqual(bytes);
    const addresses = [{ host: "10.0.0.3", port: 3888 }];
    expect(decodeInitialMessage(bytes)).toEqual({ sid: 3n, addresses, length: bytes.length });
  });

  it("take the newer form for several addresses", () => {
    const addresses = [
      { host: "a.example", port: 1 },
      { host: "fe80::1", port: 2 },
    ];
    const bytes = new Bytes().long(-65535n).long(3n).string("a.example:1|[fe80::1]:2").build();
    expect(encodeInitialMessage(3n, addresses)).toEqual(bytes);
    expect(decodeInitialMessage(bytes)?.addresses).toEqual(addresses);
  });

  it("may be a bare server id, as 3.4 says it", () => {
    expect(decodeInitialMessage(new Bytes().long(7n).int(99).build())).toEqual({ sid: 7n, addresses: [], length: 8 });
  });

  it("leave out addresses that say nothing", () => {
    const bytes = new Bytes().long(-65535n).long(3n).string("0.0.0.0:1|[::]:2|c:3").build();
    expect(decodeInitialMessage(bytes)?.addresses).toEqual([{ host: "c", port: 3 }]);
  });

  it("are waited for, byte by byte", () => {
    const bytes = encodeInitialMessage(3n, [{ host: "10.0.0.3", port: 3888 }]);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeInitialMessage(bytes.subarray(0, length)), `${length} bytes`).toBeNull();
    }
  });

  it.each([
    ["another version", new Bytes().long(-65537n).build()],
    ["a text of no bytes", new Bytes().long(-65536n).long(1n).int(0).build()],
    ["a text that is too long", new Bytes().long(-65536n).long(1n).int(2049).build()],
    ["a text that is no address", new Bytes().long(-65536n).long(1n).string("here").build()],
    ["a port that there is not", new Bytes().long(-65536n).long(1n).string("a:65536").build()],
  ])("with %s close the connection", (_, bytes) => {
    expect(() => decodeInitialMessage(bytes)).toThrow(MarshallingError);
  });
});
