import { describe, expect, it } from "vitest";
import { MarshallingError } from "#jute/reader.ts";
import { JuteWriter } from "#jute/writer.ts";
import { PacketType, PacketView, packetName, writePacket, writePacketWithData } from "#protocol/quorum-packet.ts";
import { Bytes } from "../support/bytes.ts";

const bytesMax = 100;

/** Reads a packet in the middle of other bytes. */
function read(packet: Buffer): PacketView {
  const view = new PacketView();
  const bytes = Buffer.concat([Buffer.alloc(7, 1), packet, Buffer.alloc(9, 2)]);
  expect(view.read(bytes, 7, bytes.length, bytesMax)).toBe(true);
  expect(view.end).toBe(7 + packet.length);
  return view;
}

const ids = new Bytes().int(2).string("digest").string("user:x").string(null).string("").build();

describe("a quorum packet", () => {
  it("without data and identities is 20 bytes long", () => {
    const out = new JuteWriter(8);
    writePacket(out, PacketType.commit, 2, 7);
    expect(out.toBytes()).toEqual(new Bytes().int(4).long(0x200000007n).int(-1).int(-1).build());
    const view = read(out.toBytes());
    expect([view.type, view.zxidHigh, view.zxidLow, view.dataStart, view.dataBytes]).toEqual([4, 2, 7, -1, 0]);
  });

  it("carries data as it lies", () => {
    const out = new JuteWriter(8);
    writePacketWithData(out, PacketType.proposal, { zxidHigh: 2, zxidLow: 7 }, Buffer.from("xxtxnx"), 2, 5);
    expect(out.toBytes()).toEqual(new Bytes().int(2).long(0x200000007n).string("txn").int(-1).build());
    const view = read(out.toBytes());
    expect(view.bytes.toString("latin1", view.dataStart, view.dataEnd)).toBe("txn");
  });

  it("tells empty data from none", () => {
    const view = read(new Bytes().int(5).long(0n).int(0).int(-1).build());
    expect([view.dataStart >= 0, view.dataBytes]).toEqual([true, 0]);
  });

  it("carries a client's identities behind its data", () => {
    const packet = new Bytes().int(1).long(-1n).string("request").raw(ids).build();
    const view = read(packet);
    expect(view.bytes.subarray(view.authStart, view.end)).toEqual(ids);
  });

  it("is waited for, byte by byte", () => {
    const packet = new Bytes().int(1).long(-1n).string("request").raw(ids).build();
    for (let length = 0; length < packet.length; length++) {
      expect(new PacketView().read(packet, 0, length, bytesMax), `${length} bytes`).toBe(false);
    }
  });

  it.each([
    ["data of a negative length", new Bytes().int(2).long(0n).int(-2)],
    [
      "more data than is believed",
      new Bytes()
        .int(2)
        .long(0n)
        .int(bytesMax + 1),
    ],
    ["more identities than fit", new Bytes().int(1).long(0n).int(-1).int(bytesMax)],
    ["an identity of a negative length", new Bytes().int(1).long(0n).int(-1).int(1).int(-2)],
    ["an identity that is too long", new Bytes().int(1).long(0n).int(-1).int(1).int(bytesMax)],
  ])("with %s is refused before it is there", (_, bytes) => {
    const packet = bytes.build();
    expect(() => new PacketView().read(packet, 0, packet.length, bytesMax)).toThrow(MarshallingError);
  });

  it("has a name in the log", () => {
    expect([packetName(17), packetName(12), packetName(42)]).toEqual(["LEADERINFO", "UPTODATE", "UNKNOWN 42"]);
  });
});
