import { describe, expect, it } from "vitest";
import {
  checkMembership,
  formatMember,
  isDistributed,
  type Membership,
  parseMembership,
  participants,
} from "#quorum/membership.ts";

function parse(text: string, multiAddressEnabled = false): Membership {
  const lines = text.split("\n").map((line, index) => {
    const equals = line.indexOf("=");
    return { key: line.slice(0, equals), value: line.slice(equals + 1), line: index + 1 };
  });
  return parseMembership(lines, { file: "zoo.cfg", multiAddressEnabled });
}

function checkError(text: string, problem: string, multiAddressEnabled = false): void {
  expect(() => parse(text, multiAddressEnabled), text).toThrow(problem);
}

function checkCanonical(value: string, canonical: string): void {
  expect(formatMember(parse(`server.1=${value}`, true).members.get(1n)!)).toBe(canonical);
}

/** Checks that a second reading gives the same text. */
function checkStable(value: string): void {
  const once = formatMember(parse(`server.1=${value}`, true).members.get(1n)!);
  checkCanonical(once, once);
}

const form =
  " does not have the form server_config or server_config;client_config where server_config is the pipe separated " +
  "list of host:port:port or host:port:port:type and client_config is port or host:port";

describe("a member line", () => {
  it("has a canonical text with its role spelt out", () => {
    checkCanonical("localhost:2888:3888;2181", "localhost:2888:3888:participant;0.0.0.0:2181");
    checkCanonical("zoo1:2888:3888", "zoo1:2888:3888:participant");
    checkCanonical("zoo1:2888:3888:OBSERVER;zoo1:2181", "zoo1:2888:3888:observer;zoo1:2181");
    checkCanonical(
      "[2001:db8::1]:2888:3888;[::1]:2181",
      "[2001:db8:0:0:0:0:0:1]:2888:3888:participant;[0:0:0:0:0:0:0:1]:2181",
    );
    checkCanonical("b:1:2|a:3:4:participant;5", "a:3:4|b:1:2:participant;0.0.0.0:5");
    checkCanonical("zoo1:2888:3888:participant ; 2181", "zoo1:2888:3888:participant;0.0.0.0:2181");
    checkCanonical(":2888:3888", "localhost:2888:3888:participant");
    checkCanonical("zoo1:2888:3888:;", "zoo1:2888:3888:participant");
    checkCanonical("1:1:2|[::]:3:4", "[0:0:0:0:0:0:0:0]:3:4|1:1:2:participant");
    checkStable("b:1:2:observer|[fe80::1]:3:4|a:5:6;[::]:7");
  });

  it("is refused with ZooKeeper's words, the file, the line and the key", () => {
    for (const value of [
      "",
      "zoo1",
      "zoo1:2888",
      "zoo1:1:2:participant:x",
      "zoo1:1:2;3;4",
      "zoo1:1:2;a:b:3",
      ";",
      "|",
    ]) {
      checkError(`server.1=${value}`, `zoo.cfg:1: server.1: ${value}${form}; valid is server.N=host:port:port`);
    }
    checkError("server.1=zoo1:x:3888", "Address unresolved: zoo1:x; valid is a port, 0 to 65535");
    checkError("server.1=zoo1:2888:", "does not have the form");
    checkError("server.1=zoo1:2888:-", "Address unresolved: zoo1:-");
    checkError("server.1=zoo1:2888:3888;x", "Address unresolved: 0.0.0.0:x");
    checkError("server.1=zoo1:2888:3888;:", "Address unresolved: 0.0.0.0:; valid is a port");
    checkError("server.1=zoo1:2888:70000", "Error processing zoo.cfg: port out of range:70000");
    checkError("server.1=zoo1:2888:3888:voter", "Unrecognised peertype: voter; valid is participant or observer");
    checkError("server.1=[::1:2888:3888", "[::1:2888:3888 starts with '[' but has no matching ']:'");
    checkError("server.1=[::1]:", "[::1]: doesn't have a port after colon");
    checkError("server.1=[::1]", "does not have the form");
    checkError("server.1=zoo 1:2888:3888", "Address unresolved: zoo 1; valid is a host name or address");
    checkError("server.1=zoo1:2888:3888;\\zoo1:2181", "Address unresolved: \\zoo1");
    checkError("server.x=zoo1:2888:3888", 'Error processing zoo.cfg: For input string: "x"');
    checkError(
      "server.9=zoo1:1:2\nserver.2=zoo1:1:2:3\nserver.1=a:1:2",
      "zoo.cfg:2: server.2: Unrecognised peertype: 3",
    );
    checkError(
      "server.7=zoo1:2888:2888",
      "Client and election port must be different! Please update the configuration file on server.7",
    );
  });

  it("may have several addresses of one role when the feature is on", () => {
    const problem = "Multiple address feature is disabled, but multiple addresses were specified for sid 1";
    checkError("server.1=a:1:2|b:3:4", problem);
    checkError(
      "server.1=a:1:2:observer|b:3:4:participant",
      "Multiple addresses should have similar roles: OBSERVER vs PARTICIPANT",
      true,
    );
    expect(parse("server.1=a:1:2|b:3:4", true).members.get(1n)!.addresses).toHaveLength(2);
  });

  it("has each address once, however often it is given", () => {
    const member = parse("server.1=b:1:2|a:1:2|b:1:2|b:1:3", true).members.get(1n)!;
    expect(formatMember(member)).toBe("a:1:2|b:1:2|b:1:3:participant");
  });

  it("has no host that would be another one when it is written and read again", () => {
    checkError("server.1=a b:1:2", "Address unresolved: a b");
    checkError("server.1=[[::1]:1:2", "Address unresolved: [::1");
    checkError("server.1=a\u00ff:1:2", "Address unresolved: a\u00ff");
    expect(parse("server.1=[::1]:1:2").members.get(1n)!.addresses[0]!.host).toBe("::1");
  });

  it("takes any signed 64-bit number for a server", () => {
    const { members } = parse("server.-9223372036854775808=a:1:2\nserver.9223372036854775807=b:1:2");
    expect([...members.keys()]).toEqual([-(2n ** 63n), 2n ** 63n - 1n]);
    checkError("server.9223372036854775808=a:1:2", 'For input string: "9223372036854775808"');
  });
});

describe("groups and weights", () => {
  const servers = "server.1=a:1:2\nserver.2=b:1:2:observer\n";

  it("make the quorums hierarchical, with a weight of 1 where none is given", () => {
    const { groupOf, weights } = parse(`${servers}group.5=1:2\nweight.1=3\nweight.2=1`);
    expect(groupOf).toEqual(
      new Map([
        [1n, 5n],
        [2n, 5n],
      ]),
    );
    expect(weights).toEqual(
      new Map([
        [1n, 3n],
        [2n, 1n],
      ]),
    );
    expect(parse(servers.trimEnd()).groupOf).toBeNull();
  });

  it("weigh nothing less than nothing: else nobody at all would be a quorum", () => {
    checkError("server.1=a:1:2\ngroup.1=1\nweight.1=-1", "zoo.cfg:3: weight.1: a weight of -1; valid is a weight of 0");
  });

  it("may have a group of separators only, which is empty", () => {
    expect(parse(`${servers}group.5=1\ngroup.6=:`).groupOf).toEqual(new Map([[1n, 5n]]));
  });

  it("have nobody who neither votes nor has a weight", () => {
    const problem = "is in a group, does not vote and has no weight";
    checkError(`${servers}group.5=1:2`, `zoo.cfg:3: group.5: Server 2 ${problem}`);
    checkError(`${servers}group.5=1:3`, `zoo.cfg:3: group.5: Server 3 ${problem}`);
    expect(parse(`${servers}group.5=1:3\nweight.3=0`).groupOf!.get(3n)).toBe(5n);
  });

  it("need every participant in one group", () => {
    checkError(`${servers}group.5=1\ngroup.6=2:1`, "zoo.cfg:4: group.6: Server 1is in multiple groups");
    checkError(`${servers}group.5=2`, "zoo.cfg:1: server.1: Server 1is not in a group");
    checkError(`${servers}weight.1=2`, "Server 1is not in a group");
    checkError(`${servers}group.5=1:x`, 'zoo.cfg:3: group.5: Error processing zoo.cfg: For input string: "x"');
    checkError(`${servers}group.5=1\nweight.1=heavy`, 'For input string: "heavy"');
    checkError(`${servers}groups=1`, 'zoo.cfg:3: groups: Error processing zoo.cfg: For input string: "groups"');
  });
});

/** Members named by number, the voters first. */
function members(voters: number, observers = 0): Membership {
  const lines = Array.from(
    { length: voters + observers },
    (_, i) => `server.${i}=h${i}:1:2${i < voters ? "" : ":observer"}`,
  );
  return parse(lines.join("\n") || "weight.1=1");
}

function check(membership: Membership, standaloneEnabled = true): string[] {
  return checkMembership(membership, standaloneEnabled, "zoo.cfg");
}

describe("a set of members", () => {
  it("is refused with ZooKeeper's words when it cannot decide anything", () => {
    expect(() => check(members(0), false)).toThrow(
      "zoo.cfg: standaloneEnabled = false then number of participants should be >0; valid is a server line",
    );
    expect(() => check(members(0, 1))).toThrow(
      "zoo.cfg:1: server: Observers w/o participants is an invalid configuration; valid is at least one participant",
    );
    expect(() => check(members(1, 1))).toThrow("Observers w/o quorum is an invalid configuration");
  });

  it("draws ZooKeeper's warnings when it decides badly", () => {
    expect(check(members(0))).toEqual([]);
    expect(check(members(1))).toEqual([expect.stringMatching(/^only one server specified: the server is standalone/)]);
    const intolerant = ["No server failure will be tolerated. You need at least 3 servers."];
    expect(check(members(1), false)).toEqual(intolerant);
    expect(check(members(2))).toEqual(intolerant);
    expect(check(members(3, 2))).toEqual([]);
    expect(check(members(4))).toEqual(["Non-optimal configuration, consider an odd number of servers."]);
  });

  it("is an ensemble with more than one participant, or when standalone is off", () => {
    expect(isDistributed(members(1), true)).toBe(false);
    expect(isDistributed(members(1), false)).toBe(true);
    expect(isDistributed(members(2), true)).toBe(true);
    expect(participants(members(2, 3)).map(({ sid }) => sid)).toEqual([0n, 1n]);
  });
});
