/** Packets out of chunks, chunks out of packets, and what breaks a connection. */

import { describe, expect, it } from "vitest";
import type { Socket } from "#host/wire.ts";
import { QuorumConnection } from "#net/quorum-connection.ts";
import { PacketType, type PacketView, packetName, writePacket } from "#protocol/quorum-packet.ts";
import { MemoryLogger } from "../storage/builders.ts";
import { Bytes } from "../support/bytes.ts";

class FakeSocket implements Socket {
  readonly remoteAddress = "10.0.0.3";
  readonly remotePort = 2888;
  readonly calls: string[] = [];
  bufferedBytes = 0;
  isTaking = true;

  write(bytes: Uint8Array): boolean {
    this.calls.push(`write ${bytes.length}`);
    if (!this.isTaking) this.bufferedBytes += bytes.length;
    return this.isTaking;
  }

  end(): void {
    this.calls.push("end");
  }

  destroy(): void {
    this.calls.push("destroy");
  }

  reset(): void {}
  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
  }
}

class Bench {
  readonly socket = new FakeSocket();
  readonly heard: string[] = [];
  readonly connection: QuorumConnection;
  wantsTree = false;
  treeBytes = 0;
  onPacket: (packet: PacketView) => void = () => {};
  flushesDue = 0;

  constructor(unsentBytesMax = 1000) {
    const { heard, socket } = this;
    this.connection = new QuorumConnection({
      socket,
      options: { dataBytesMax: 100, firstBytesMax: 1_000_000, unsentBytesMax },
      logger: new MemoryLogger(),
      onWritten: () => void this.flushesDue++,
    });
    this.connection.attach({
      wantsTree: () => this.wantsTree,
      packet: (packet) => {
        heard.push(`${packetName(packet.type)} ${packet.zxidLow}`);
        this.onPacket(packet);
      },
      tree: (_, start, end) => {
        const taken = Math.min(end - start, this.treeBytes);
        this.treeBytes -= taken;
        if (this.treeBytes === 0) this.wantsTree = false;
        heard.push(`tree ${taken}`);
        return taken;
      },
      turnEnded: () => heard.push("turn"),
      closed: (reason) => heard.push(`closed ${reason}`),
    });
  }

  hear(bytes: Buffer): string[] {
    const chunk = Buffer.from(bytes);
    this.connection.data(chunk);
    chunk.fill(0xdb);
    return this.heard.splice(0);
  }
}

function commit(zxid: number): Buffer {
  return new Bytes().int(4).long(BigInt(zxid)).int(-1).int(-1).build();
}

describe("what comes in", () => {
  it("is handed over packet by packet, however it was cut", () => {
    const bytes = Buffer.concat([commit(1), commit(2), commit(3)]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const bench = new Bench();
      const heard = [...bench.hear(bytes.subarray(0, cut)), ...bench.hear(bytes.subarray(cut))];
      expect(
        heard.filter((line) => line !== "turn"),
        `cut at ${cut}`,
      ).toEqual(["COMMIT 1", "COMMIT 2", "COMMIT 3"]);
    }
  });

  it("waits while the role has it wait, and goes on in order", () => {
    const bench = new Bench();
    bench.onPacket = () => bench.connection.pause();
    expect(bench.hear(Buffer.concat([commit(1), commit(2)]))).toEqual(["COMMIT 1", "turn"]);
    expect(bench.hear(commit(3))).toEqual(["turn"]);
    bench.onPacket = () => {};
    bench.connection.resume();
    expect(bench.heard).toEqual(["COMMIT 2", "COMMIT 3", "turn"]);
  });

  it("goes on at once when the role has it wait for nothing", () => {
    const bench = new Bench();
    bench.onPacket = () => {
      bench.connection.pause();
      bench.connection.resume();
    };
    expect(bench.hear(Buffer.concat([commit(1), commit(2)]))).toEqual(["COMMIT 1", "COMMIT 2", "turn"]);
  });

  it("may be a tree between packets", () => {
    const bench = new Bench();
    bench.treeBytes = 10;
    bench.onPacket = () => void (bench.wantsTree = true);
    expect(bench.hear(Buffer.concat([commit(1), Buffer.alloc(4)]))).toEqual(["COMMIT 1", "tree 4", "turn"]);
    bench.onPacket = () => {};
    expect(bench.hear(Buffer.concat([Buffer.alloc(6), commit(2)]))).toEqual(["tree 6", "COMMIT 2", "turn"]);
  });

  it("ends the connection when it is no packet, and nothing behind it counts", () => {
    const bench = new Bench();
    const heard = bench.hear(Buffer.concat([commit(1), new Bytes().int(2).long(0n).int(101).build(), commit(2)]));
    expect(heard).toEqual(["COMMIT 1", "closed a PROPOSAL packet with 101 bytes of data"]);
    expect(bench.socket.calls).toEqual(["destroy"]);
    expect(bench.hear(commit(3))).toEqual([]);
  });

  it.each([
    ["ended", "closed by the peer"],
    ["closed", "connection lost"],
  ] as const)("ends with the peer (%s), once", (event, reason) => {
    const bench = new Bench();
    bench.connection[event]();
    bench.connection.closed();
    expect(bench.heard).toEqual([`closed ${reason}`]);
  });
});

describe("what goes out", () => {
  it("leaves by one write at the turn's end", () => {
    const bench = new Bench();
    for (const zxid of [1, 2, 3]) writePacket(bench.connection.open(), PacketType.commit, 0, zxid);
    expect([bench.flushesDue, bench.socket.calls]).toEqual([1, []]);
    bench.connection.flush();
    expect(bench.socket.calls).toEqual(["write 60"]);
    bench.connection.flush();
    expect(bench.socket.calls).toEqual(["write 60"]);
  });

  it("leaves before this end closes the connection", () => {
    const bench = new Bench();
    writePacket(bench.connection.open(), PacketType.commit, 0, 1);
    bench.connection.close();
    expect(bench.socket.calls).toEqual(["write 20", "destroy"]);
  });

  it("is not touched while the socket holds on to it", () => {
    const bench = new Bench();
    bench.socket.isTaking = false;
    const first = bench.connection.open();
    writePacket(first, PacketType.commit, 0, 1);
    bench.connection.flush();
    expect(bench.connection.open()).not.toBe(first);
    expect(first.length).toBe(20);
  });

  it("costs a peer that never takes it the connection", () => {
    const bench = new Bench();
    bench.socket.isTaking = false;
    for (let i = 0; i < 60; i++) {
      writePacket(bench.connection.open(), PacketType.commit, 0, i);
      bench.connection.flush();
    }
    expect(bench.heard).toEqual(["closed it does not take what it is sent"]);
    expect(bench.socket.calls.at(-1)).toBe("destroy");
  });

  it("may be a long stream, as fast as the peer takes it", () => {
    const bench = new Bench(4 << 20);
    let drained = 0;
    writePacket(bench.connection.open(), PacketType.snap, 0, 1);
    expect(bench.connection.flushPiece(() => void drained++)).toBe(true);
    bench.socket.isTaking = false;
    bench.connection.open().writeRaw(Buffer.alloc(2 << 20), 0, 2 << 20);
    expect(bench.connection.flushPiece(() => void drained++)).toBe(false);
    expect(bench.socket.calls).toEqual(["write 20", `write ${2 << 20}`]);
    bench.connection.drained();
    bench.connection.drained();
    expect(drained).toBe(1);
  });
});
