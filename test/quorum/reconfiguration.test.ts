import { describe, expect, it } from "vitest";
import type { ReconfigRequest } from "#jute/records/proto.ts";
import { ErrorCode, errorName } from "#protocol/error-code.ts";
import { parseConfigText } from "#quorum/config-text.ts";
import { type Oracle, QuorumVerifier, QuorumViews } from "#quorum/quorum-verifier.ts";
import { judgeReconfig } from "#quorum/reconfiguration.ts";
import { rules, verifierOf } from "./support.ts";

const zxid = 0x300000007n;

function member(sid: number, role = "participant"): string {
  return `server.${sid}=10.0.0.${sid}:2888:3888:${role};2181`;
}

const three = verifierOf([1, 2, 3].map((sid) => member(sid)).join("\n"), 0x100000000n);

interface Case {
  readonly current?: QuorumVerifier;
  readonly lastSeen?: QuorumVerifier;
  readonly standaloneEnabled?: boolean;
  readonly connected?: readonly bigint[];
  readonly oracle?: Oracle;
}

function judge(request: Partial<ReconfigRequest>, given: Case = {}): QuorumVerifier | string {
  const { current = three, connected = [1n, 2n, 3n, 4n] } = given;
  const whole = { joiningServers: null, leavingServers: null, newMembers: null, curConfigId: -1n, ...request };
  const verdict = judgeReconfig(whole, {
    views: new QuorumViews(current, given.lastSeen, given.oracle),
    rules: { ...rules, standaloneEnabled: given.standaloneEnabled ?? true },
    zxid,
    isSynced: (config) => config.hasQuorum((sid) => connected.includes(sid)),
  });
  return "error" in verdict ? `${errorName(verdict.error)}: ${verdict.reason}` : verdict;
}

function check(request: Partial<ReconfigRequest>, lines: readonly string[], given: Case = {}): void {
  const config = judge(request, given);
  expect(config).toBeInstanceOf(QuorumVerifier);
  expect((config as QuorumVerifier).text).toBe([...lines, "version=300000007"].join("\n"));
}

function checkRefused(request: Partial<ReconfigRequest>, refusal: string | RegExp, given: Case = {}): void {
  expect(judge(request, given)).toMatch(refusal);
}

describe("a change of the members", () => {
  it("takes servers away, and adds servers or puts them in the place of others", () => {
    check({ leavingServers: "3" }, ["server.1=10.0.0.1:2888:3888:participant;0.0.0.0:2181", member2]);
    check({ leavingServers: " 3, 9,", joiningServers: `${member(4)},${member(2, "OBSERVER")}` }, [
      member1,
      "server.2=10.0.0.2:2888:3888:observer;0.0.0.0:2181",
      "server.4=10.0.0.4:2888:3888:participant;0.0.0.0:2181",
    ]);
    check({ joiningServers: "server.3 = 10.0.0.3:2889:3889;10.0.0.3:2182" }, [
      member1,
      member2,
      "server.3=10.0.0.3:2889:3889:participant;10.0.0.3:2182",
    ]);
  });

  it("gives all members, by commas or lines, groups and weights among them", () => {
    check({ newMembers: `${member(1)},${member(2)}` }, [member1, member2]);
    check({ newMembers: `${member(2)}\nserver.1=10.0.0.1:2888:3888;2181\nversion=5`, joiningServers: "?" }, [
      member1,
      member2,
    ]);
    check({ newMembers: `${member(1)}\n${member(2)}\ngroup.1=1:2\nweight.1=2` }, [
      member1,
      member2,
      "group.1=1:2",
      "weight.1=2",
      "weight.2=1",
    ]);
  });

  it("is refused while another is under way, and from a version that is not the present one", () => {
    const lastSeen = new QuorumVerifier(three.membership, 0x200000001n);
    checkRefused({ leavingServers: "x" }, /^reconfigInProgress/, { lastSeen });
    checkRefused({ leavingServers: "x", curConfigId: 5n }, "badVersion: Reconfiguration from version 5 failed");
    check({ leavingServers: "3", curConfigId: 0x100000000n }, [member1, member2]);
  });

  it.each([
    [{ joiningServers: "server.4" }, "badArguments: reconfig: server.4: Wrong format of server string"],
    [{ joiningServers: "server.4=a:1:2=3" }, /^badArguments: .*Wrong format of server string/],
    [{ joiningServers: "server.4=a:1:2" }, /^badArguments: .*each server should have 3 ports specified/],
    [{ joiningServers: "server.4=a:1;2" }, /^badArguments: .*does not have the form/],
    [{ joiningServers: "server.4=a:1:1;2" }, /^badArguments: .*must be different/],
    [{ joiningServers: "server.4=a:1:2:leader;2" }, /^badArguments: .*Unrecognised peertype/],
    [{ joiningServers: "server.4=10.0.0.3:3888:1;2" }, /^badArguments: .*10.0.0.3:3888 of server.4 conflicts/],
    [{ newMembers: "tickTime=5" }, /^badArguments: .*Unrecognised parameter: tickTime/],
    [{ newMembers: "" }, /^badArguments: .*at least 2 followers/],
    [{ leavingServers: "2,3" }, /^badArguments: Reconfig failed - .*at least 2 followers/],
    // Where ZooKeeper is surprised by an exception of its own.
    [{ leavingServers: "two" }, 'marshallingError: reconfig: For input string: "two"'],
    [{ joiningServers: "server.x=a:1:2;3" }, /^marshallingError/],
    [{ joiningServers: "server.4=a:1:70000;3" }, /^marshallingError: .*port out of range:70000/],
    [{ newMembers: member(1, "observer") }, /^marshallingError: .*Observers w\/o participants/],
    [{ newMembers: `${member(1)},${member(2)},group.1=1:2:3` }, /^marshallingError: .*has no weight/],
    [{ newMembers: `${member(1)},version=x` }, /^marshallingError: .*For input string: "x"/],
  ])("is refused when it makes no sense: %j", (request, refusal) => {
    checkRefused(request, refusal);
  });

  it("may share addresses that mean another machine to each server", () => {
    const local = verifierOf("server.1=localhost:1:2;3\nserver.2=127.0.0.1:4:5;6");
    const joiner = "server.4=localhost:1:2;0.0.0.0:6";
    expect(judge({ joiningServers: joiner }, { current: local })).toBeInstanceOf(QuorumVerifier);
  });

  it("may leave one voter where standaloneEnabled is false, and none nowhere", () => {
    const given = { standaloneEnabled: false };
    check({ leavingServers: "2,3" }, [member1], given);
    checkRefused({ leavingServers: "1,2,3" }, /^badArguments: .*at least 1 follower/, given);
    checkRefused({ newMembers: member(1, "observer") }, /^marshallingError: .*participants should be >0/, given);
  });

  it("makes no groups where an oracle decides", () => {
    const newMembers = `${member(1)},${member(2)},group.1=1:2`;
    const oracle = { grants: () => false };
    checkRefused({ newMembers }, /^badArguments: .*an oracle is for two voters without groups/, { oracle });
    expect(judge({ newMembers: `${member(1)},${member(2)}` }, { oracle })).toBeInstanceOf(QuorumVerifier);
  });

  it("is no increment of groups", () => {
    const current = verifierOf(`${member(1)}\n${member(2)}\ngroup.1=1:2`);
    checkRefused({ leavingServers: "3" }, /^badArguments: .*non-majority quorum system/, { current });
  });

  it("needs a quorum of the new members that is in step", () => {
    const joiningServers = [4, 5, 6].map((sid) => member(sid)).join(",");
    const reason =
      "newConfigNoQuorum: Reconfig failed - there must be a connected and synced quorum in new configuration";
    checkRefused({ joiningServers }, reason, { connected: [1n, 2n, 3n] });
    expect(judge({ joiningServers }, { connected: [1n, 2n, 3n, 4n] })).toBeInstanceOf(QuorumVerifier);
    expect(errorName(ErrorCode.newConfigNoQuorum)).toBe("newConfigNoQuorum");
  });
});

const member1 = "server.1=10.0.0.1:2888:3888:participant;0.0.0.0:2181";
const member2 = "server.2=10.0.0.2:2888:3888:participant;0.0.0.0:2181";

function parse(text: string): string {
  return parseConfigText(text, "NEWLEADER", { ...rules, standaloneEnabled: true }).text;
}

describe("the text of a configuration", () => {
  it("is read in any order, with comments, and its version; of equal keys the last counts", () => {
    expect(parse(`version=1A\n# nobody\n\n  ${member2}\n${member1} \n`)).toBe(`${member1}\n${member2}\nversion=1a`);
    const moved = member1.replace("10.0.0.1", "h");
    expect(parse(`${member1}\n${moved}\n${member2}`)).toBe(`${moved}\n${member2}\nversion=0`);
  });

  it("is read back as it was written, a negative version too", () => {
    const text = `${member1}\n${member2}\nversion=fffffffffffffffe`;
    expect(new QuorumVerifier(three.membership, -2n).text).toContain("version=fffffffffffffffe");
    expect(() => parse(text)).toThrow("valid is a version, hexadecimal");
    expect(parse(`${member1}\n${member2}\nversion=-2`)).toBe(text);
  });
});
