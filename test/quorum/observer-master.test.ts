/** The dialogue of a follower with its observers, one packet at a time. */

import { describe, expect, it } from "vitest";
import { lowOf } from "#base/zxid.ts";
import { PacketType, packetName } from "#protocol/quorum-packet.ts";
import { asDurable } from "#quorum/durable.ts";
import type { LearnerHandler } from "#quorum/learner-handler.ts";
import { ObserverMaster } from "#quorum/observer-master.ts";
import { QuorumViews } from "#quorum/quorum-verifier.ts";
import { TxnWindow } from "#quorum/txn-window.ts";
import { Bytes } from "../support/bytes.ts";
import { FakeLink, masterLimits, packet, Stage } from "./stages.ts";
import { memberLines, txn, verifierOf } from "./support.ts";

const { ack, ackEpoch, followerInfo, observerInfo, ping, request } = PacketType;

/** A follower in epoch 2, which has 100000005 and 200000001 committed, and 200000002 proposed. */
class MasterStage extends Stage {
  readonly window = new TxnWindow({ committedCountMin: 10, committedBytesMax: 1 << 20 });
  readonly views = new QuorumViews(verifierOf(memberLines(3, 2), 7n));
  readonly link = new FakeLink(this);
  readonly master: ObserverMaster;
  readonly handler: LearnerHandler;

  constructor() {
    super();
    for (const zxid of [0x100000005n, 0x200000001n]) {
      this.window.append(txn(zxid), 0, txn(zxid).length);
      this.window.commit(Number(zxid >> 32n), lowOf(zxid));
    }
    this.master = new ObserverMaster({
      views: this.views,
      window: this.window,
      limits: masterLimits,
      epoch: asDurable(2n),
      committedZxid: 0x200000001n,
      output: {
        sendTree: () => {
          this.said.push("[tree]");
          return 0x200000001n;
        },
        sendLog: () => {},
        received: (_, { type }) => this.said.push(`[received ${packetName(type)}]`),
        learnerSyncing: () => {},
        learnerGone: (_, reason) => this.said.push(`[gone: ${reason}]`),
      },
    });
    this.propose(0x200000002n);
    this.handler = this.master.connected(this.link, 0);
  }

  propose(zxid: bigint): void {
    this.window.append(txn(zxid), 0, txn(zxid).length);
  }

  commit(leader: bigint | null = null): void {
    const next = this.window.at(this.window.committedCount);
    this.master.committed(next, leader);
    this.window.commit(next.zxidHigh, next.zxidLow);
    this.link.flush();
  }

  hear(type: number, zxid: bigint, data: Buffer | null = null): void {
    this.master.take(this.handler, packet(type, zxid, data), 0);
    this.link.flush();
  }

  introduce(type: number = observerInfo, configVersion = 0n): this {
    this.hear(type, 0x100000000n, new Bytes().long(4n).int(0x10000).long(configVersion).build());
    return this;
  }

  /** An observer whose history ends there says so. */
  join(lastZxid: bigint): this {
    this.introduce();
    this.take();
    this.hear(ackEpoch, lastZxid, new Bytes().int(1).build());
    return this;
  }

  serve(lastZxid: bigint): this {
    this.join(lastZxid);
    this.hear(ack, 0x200000000n);
    this.take();
    return this;
  }
}

describe("a follower that serves observers", () => {
  it("has nothing to wait for: its epoch, what is missing, UPTODATE", () => {
    const stage = new MasterStage().introduce();
    expect(stage.take()).toEqual(["LEADERINFO 200000000 00010000"]);
    stage.hear(ackEpoch, 0x100000005n, new Bytes().int(1).build());
    expect(stage.take()).toEqual(["DIFF 200000001", "PROPOSAL 200000001", "COMMIT 200000001", "NEWLEADER 200000000"]);
    stage.hear(ack, 0x200000000n);
    expect(stage.take()).toEqual(["UPTODATE ffffffffffffffff"]);
    // That of UPTODATE.
    stage.hear(ack, 0x200000000n);
    stage.hear(request, -1n, Buffer.alloc(16));
    expect(stage.take()).toEqual(["[received REQUEST]"]);
  });

  it("tells of what is committed, and not of what is proposed", () => {
    const stage = new MasterStage().serve(0x200000001n);
    stage.propose(0x200000003n);
    expect(stage.take()).toEqual([]);
    stage.commit();
    expect(stage.take()).toEqual(["INFORM 200000002"]);
    stage.commit(3n);
    expect(stage.take()).toEqual(["INFORMANDACTIVATE 200000003"]);
  });

  it("lets an observer go on from where it is ahead, as far as this server has the same", () => {
    const stage = new MasterStage().join(0x200000002n);
    expect(stage.take()).toEqual(["DIFF 200000002", "NEWLEADER 200000000"]);
    stage.hear(ack, 0x200000000n);
    stage.propose(0x200000003n);
    stage.commit();
    stage.commit();
    expect(stage.take()).toEqual(["UPTODATE ffffffffffffffff", "INFORM 200000003"]);
  });

  it("sends one away that knows more than this server", () => {
    expect(new MasterStage().join(0x200000003n).take()).toEqual(["closed", "[gone: Follower is ahead of the leader]"]);
  });

  it("sends the tree over a history that no leader of this epoch began with", () => {
    expect(new MasterStage().join(0x100000009n).take()).toEqual(["[tree]"]);
  });

  it("takes no followers", () => {
    const reason = "Non observer attempting to connect to ObserverMaster";
    expect(new MasterStage().introduce(followerInfo).take()).toEqual(["closed", `[gone: ${reason}]`]);
  });

  it("takes no observer with a later configuration", () => {
    const reason = "Follower is ahead of the leader (has a later activated configuration)";
    expect(new MasterStage().introduce(observerInfo, 8n).take()).toEqual(["closed", `[gone: ${reason}]`]);
  });

  it("takes no acknowledgements of transactions", () => {
    const stage = new MasterStage().serve(0x200000001n);
    stage.hear(ack, 0x200000002n);
    expect(stage.take()).toEqual(["closed", "[gone: Observers shouldn't send ACKS ack = 200000002]"]);
  });

  it("sends UPTODATE when a change that it has seen is committed", () => {
    const stage = new MasterStage();
    stage.views.lastSeen = verifierOf(memberLines(3, 2), 9n);
    stage.join(0x200000001n);
    stage.hear(ack, 0x200000000n);
    expect(stage.take().at(-1)).toBe("NEWLEADER 200000000");
    stage.views.committed = stage.views.lastSeen;
    stage.master.activated();
    stage.link.flush();
    expect(stage.take()).toEqual(["UPTODATE ffffffffffffffff"]);
  });

  it("pings, and gives up whoever is silent for syncLimit", () => {
    const stage = new MasterStage().serve(0x200000001n);
    stage.master.halfTick(500);
    stage.link.flush();
    expect(stage.take()).toEqual(["PING 200000001"]);
    stage.hear(ping, -1n);
    stage.take();
    stage.master.halfTick(501);
    expect(stage.take()).toEqual(["closed", "[gone: Read timed out]"]);
  });
});
