import { describe, expect, it } from "vitest";
import { QuorumViews } from "#quorum/quorum-verifier.ts";
import { memberLines, verifierOf } from "./support.ts";

function checkQuorum(text: string, sids: readonly number[], expected: boolean): void {
  const isIn = new Set(sids.map(BigInt));
  expect(
    verifierOf(text).hasQuorum((sid) => isIn.has(sid)),
    `${sids.join()} of ${text}`,
  ).toBe(expected);
}

describe("a majority", () => {
  it("is more than half of the voters, whoever else agrees", () => {
    checkQuorum(memberLines(3), [1], false);
    checkQuorum(memberLines(3), [1, 3], true);
    checkQuorum(memberLines(4), [1, 2], false);
    checkQuorum(memberLines(4), [1, 2, 4], true);
    checkQuorum(memberLines(1), [1], true);
    checkQuorum(memberLines(3, 2), [1, 4, 5], false);
    checkQuorum(memberLines(3), [1, 9, 10], false);
  });
});

describe("groups", () => {
  const nine = `${memberLines(9)}\ngroup.1=1:2:3\ngroup.2=4:5:6\ngroup.3=7:8:9`;

  it("need a majority of groups, each by a majority of its weight", () => {
    checkQuorum(nine, [1, 2, 4, 5], true);
    checkQuorum(nine, [1, 2, 3, 4], false);
    checkQuorum(nine, [1, 4, 7], false);
    checkQuorum(`${nine}\nweight.1=5`, [1, 4, 5], true);
  });

  it("do not count without weight, and neither do their servers as leaders", () => {
    const weights = `${nine}\nweight.7=0\nweight.8=0\nweight.9=0`;
    checkQuorum(weights, [1, 2], false);
    checkQuorum(weights, [1, 2, 5, 6], true);
    expect(verifierOf(weights).weightOf(7n)).toBe(0n);
    expect(verifierOf(weights).weightOf(1n)).toBe(1n);
    expect(verifierOf(weights).weightOf(99n)).toBe(0n);
  });
});

describe("the text of a configuration", () => {
  it("is ZooKeeper's", () => {
    expect(verifierOf("server.2=b:1:2;3\nserver.1=a:1:2:observer\nserver.3=c:1:2", 0x100000000n).text).toBe(
      "server.1=a:1:2:observer\nserver.2=b:1:2:participant;0.0.0.0:3\nserver.3=c:1:2:participant\nversion=100000000",
    );
  });

  it("has groups and every voter's weight", () => {
    const text = `${memberLines(3)}\ngroup.1=2:1\ngroup.2=3\nweight.2=4`;
    expect(verifierOf(text).text.split("\n").slice(3)).toEqual([
      "group.1=1:2",
      "group.2=3",
      "weight.1=1",
      "weight.2=4",
      "weight.3=1",
      "version=0",
    ]);
  });
});

describe("two configurations", () => {
  it("must both agree while one follows the other", () => {
    const views = new QuorumViews(verifierOf(memberLines(3)), verifierOf("server.4=d:1:2\nserver.5=e:1:2", 7n));
    expect(views.isChanging).toBe(true);
    expect(views.hasQuorums((sid) => sid <= 2n)).toBe(false);
    expect(views.hasQuorums((sid) => sid !== 3n)).toBe(true);
    expect(views.voters).toEqual([1n, 2n, 3n, 4n, 5n]);
    expect(views.isVoter(4n)).toBe(true);
  });

  it("are one when nothing is pending", () => {
    const views = new QuorumViews(verifierOf(memberLines(3)));
    expect(views.isChanging).toBe(false);
    expect(views.hasQuorums((sid) => sid <= 2n)).toBe(true);
  });
});

describe("an oracle", () => {
  const asked = { count: 0, answer: true };
  const oracle = { grants: () => asked.count++ >= 0 && asked.answer };

  it("lets one of two voters be a quorum, while it is needed", () => {
    const config = verifierOf(memberLines(2));
    const views = new QuorumViews(config, config, oracle);
    asked.answer = true;
    expect(views.hasQuorums((sid) => sid === 1n)).toBe(true);
    expect([views.isAloneByOracle, views.isOtherByOracle]).toEqual([true, false]);
    asked.answer = false;
    expect(views.hasQuorums((sid) => sid === 1n)).toBe(false);
    expect([views.isAloneByOracle, views.isOtherByOracle]).toEqual([false, true]);
    asked.answer = true;
    expect(views.hasQuorums(() => false)).toBe(false);
    views.isOracleNeeded = false;
    expect(views.hasQuorums((sid) => sid === 1n)).toBe(false);
    expect([views.isAloneByOracle, views.isOtherByOracle]).toEqual([false, false]);
  });

  it("is not asked where there is a majority, and has no say among three", () => {
    asked.count = 0;
    const two = verifierOf(memberLines(2));
    expect(new QuorumViews(two, two, oracle).hasQuorums(() => true)).toBe(true);
    const three = verifierOf(memberLines(3));
    const views = new QuorumViews(three, three, oracle);
    expect(views.hasQuorums((sid) => sid === 1n)).toBe(false);
    expect([views.isAloneByOracle, views.isOtherByOracle]).toEqual([false, false]);
    expect(asked.count).toBe(0);
  });
});
