import { describe, expect, test } from "vitest";
import {
  answerFourLetterWord,
  enabledWords,
  fourLetterWord,
  type FourLetterWord,
  refusal,
} from "#admin/four-letter-words.ts";
import type { ConnectionFacts, ServerFacts } from "#server/server-facts.ts";
import {
  askingConnection,
  captureTime,
  clientA,
  clientB,
  memberConfig,
  peer,
  realAnswer,
  server,
  session,
  silentConnection,
  standalone,
} from "./example-servers.ts";

const allWords = "conf cons crst dirs dump envi gtmk hash isro mntr ruok srst srvr stat stmk wchc wchp wchs".split(
  " ",
) as FourLetterWord[];
const keyOfJvm = /^java\.(version|vendor|home|class\.path|library\.path)=/;
const telnetClose = Buffer.from([0xff, 0xf4, 0xff, 0xfd]);

function answer(word: FourLetterWord, facts: ServerFacts, argument: Buffer | null = null): string {
  return [...answerFourLetterWord(word, facts, argument)].join("");
}

describe("recognising a word", () => {
  test.each(allWords)("the four bytes of %s are that word, whatever follows them", (word) => {
    expect(fourLetterWord(Buffer.from(word))).toBe(word);
    expect(fourLetterWord(Buffer.from(`${word}\r\nand more`))).toBe(word);
  });

  test("the bytes with which telnet closes are a word without letters", () => {
    expect(fourLetterWord(telnetClose)).toBe("telnet close");
  });

  test.each(["RUOK", "ruo", "", "kill", "reqs", "\0\0\0\x2d", "\0\0\0\x2cruok"])("%j is no word", (text) => {
    expect(fourLetterWord(Buffer.from(text, "latin1"))).toBe(null);
  });
});

describe("the whitelist", () => {
  test("without one only srvr is on", () => {
    expect([...enabledWords(null, false)]).toEqual(["srvr"]);
    expect([...enabledWords("", false)]).toEqual(["srvr"]);
  });

  test("read-only mode adds isro", () => {
    expect([...enabledWords(null, true)].sort()).toEqual(["isro", "srvr"]);
  });

  test("names may have blanks round them, and unknown ones are ignored", () => {
    expect([...enabledWords(" ruok ,mntr,, nope", false)].sort()).toEqual(["mntr", "ruok", "srvr"]);
  });

  test.each(["*", "ruok, *"])("%j turns everything on, telnet's bytes included", (whitelist) => {
    expect([...enabledWords(whitelist, false)].sort()).toEqual([...allWords, "telnet close"].sort());
  });

  test.each(allWords.filter((word) => word !== "srvr"))("%s is refused as ZooKeeper refuses it", (word) => {
    expect(refusal(word)).toBe(realAnswer("refused", word));
  });

  test("telnet's bytes are refused by the name that ZooKeeper gives them", () => {
    expect(refusal("telnet close")).toBe(realAnswer("refused", "telnet"));
  });
});

describe("a server that does not serve", () => {
  test.each(allWords.filter((word) => word !== "envi" && word !== "stmk"))("%s answers as ZooKeeper does", (word) => {
    expect(answer(word, server(null))).toBe(realAnswer("not-serving", word));
  });

  test("envi and stmk answer as ever", () => {
    const mask = Buffer.from([0, 0, 0, 0, 0, 0, 1, 50]);
    expect(answer("envi", server(null))).toBe(answer("envi", server(standalone())));
    expect(answer("stmk", server(null), mask)).toBe(realAnswer("not-serving", "stmk"));
  });
});

describe("a standalone server", () => {
  test.each(["ruok", "isro", "gtmk", "conf", "dirs", "hash", "wchs", "wchp", "wchc", "crst", "srst"] as const)(
    "%s answers as ZooKeeper does",
    (word) => {
      expect(answer(word, server(standalone()))).toBe(realAnswer("standalone", word));
    },
  );

  test("srvr answers as ZooKeeper does", () => {
    const serving = standalone({ packetsReceived: 329, packetsSent: 328 });
    expect(answer("srvr", server(serving))).toBe(realAnswer("standalone", "srvr"));
  });

  test("stat answers as ZooKeeper does", () => {
    const serving = standalone({ packetsReceived: 328, packetsSent: 327 });
    const connections = [askingConnection(35512), clientA, clientB, silentConnection(35436)];
    expect(answer("stat", server(serving, { connections }))).toBe(realAnswer("standalone", "stat"));
  });

  test("cons answers as ZooKeeper does", () => {
    const connections = [clientA, clientB, silentConnection(35436), askingConnection(35498)];
    expect(answer("cons", server(standalone(), { connections }))).toBe(realAnswer("standalone", "cons"));
  });

  test("cons leaves lcxid out before the first request of a session", () => {
    const fresh = { ...clientA, lastOperation: "NA", lastCxid: -1, lastZxidHigh: -1, lastZxidLow: -1 };
    expect(answer("cons", server(standalone(), { connections: [fresh] }))).toContain(
      ",lop=NA,est=1795502428462,to=30000,lzxid=0xffffffffffffffff,lresp=",
    );
  });

  test("dump answers as ZooKeeper does", () => {
    const connectionExpiry = {
      elementCount: 4,
      buckets: [
        {
          expiresAtMs: captureTime(6, 40, 43),
          elementCount: 3,
          elements: [askingConnection(35542), clientB, silentConnection(35436)],
        },
        { expiresAtMs: captureTime(6, 41, 3), elementCount: 1, elements: [clientA] },
      ],
    };
    expect(answer("dump", server(standalone(), { connectionExpiry }))).toBe(realAnswer("standalone", "dump"));
  });

  test("envi has ZooKeeper's keys in ZooKeeper's order, and its values where they do not come from a JVM", () => {
    const real = realAnswer("standalone", "envi").split("\n");
    const ours = answer("envi", server(standalone())).split("\n");
    expect(ours).toEqual(real.map((line) => (keyOfJvm.test(line) ? `${line.split("=")[0]}=<NA>` : line)));
  });

  test("hash prints a digest as a signed decimal", () => {
    const digests = [{ zxidHigh: 5, zxidLow: 1, digestHigh: -1, digestLow: -2 }];
    expect(answer("hash", server(standalone({ digests })))).toBe("500000001: -2\n");
  });

  test("telnet's bytes get no answer", () => {
    expect(answer("telnet close", server(standalone()))).toBe(realAnswer("standalone", "telnet"));
  });

  test("crst resets the connections of the port, srst the server", () => {
    const done: string[] = [];
    const serving = standalone({ resetStats: () => done.push("server") });
    const facts = server(serving, { resetConnectionStats: () => done.push("connections") });
    answerFourLetterWord("crst", facts, null);
    expect(done).toEqual(["connections"]);
    answerFourLetterWord("srst", facts, null);
    expect(done).toEqual(["connections", "server"]);
  });
});

function setMask(argument: Buffer | null): { answer: string; set: bigint[] } {
  const set: bigint[] = [];
  const facts = { ...server(standalone()), setTraceMask: (mask: bigint) => set.push(mask) };
  return { answer: answer("stmk", facts, argument), set };
}

describe("the trace mask", () => {
  test("stmk takes eight bytes, sets the mask and prints it as ZooKeeper does", () => {
    const argument = Buffer.from([0, 0, 0, 0, 0, 0, 1, 50, 99, 99]);
    expect(setMask(argument)).toEqual({ answer: realAnswer("standalone", "stmk"), set: [306n] });
  });

  test("the mask is signed", () => {
    expect(setMask(Buffer.alloc(8, 0xff))).toEqual({ answer: "-1", set: [-1n] });
  });

  test.each([null, Buffer.alloc(0), Buffer.alloc(7)])("fewer bytes set nothing and get no answer", (argument) => {
    expect(setMask(argument)).toEqual({ answer: "", set: [] });
  });
});

describe("a read-only server", () => {
  const serving = standalone({
    mode: "read-only",
    config: memberConfig(1, { membership: null }),
    dataDirBytes: 615,
    dataLogDirBytes: 615,
    latencyMs: { min: 0, average: 0, max: 0 },
    packetsReceived: 9,
    packetsSent: 8,
    connectionCount: 2,
    lastZxidLow: 0,
    znodeCount: 5,
    sessions: { local: null, global: { kind: "timeouts", sessionCount: 0, sessions: [] } },
    ephemerals: { sessionCount: 0, bySession: [] },
    dataWatches: { connectionCount: 0, pathCount: 0, watchCount: 0, byPath: [], bySession: [] },
    digests: [],
  });

  test.each(["isro", "conf", "dirs", "hash", "srvr", "wchs", "wchp", "wchc"] as const)(
    "%s answers as ZooKeeper does",
    (word) => {
      expect(answer(word, server(serving))).toBe(realAnswer("read-only", word));
    },
  );

  test("stat answers as ZooKeeper does", () => {
    const connections = [silentConnection(40876), askingConnection(40938)];
    const facts = server({ ...serving, packetsReceived: 8, packetsSent: 7 }, { connections });
    expect(answer("stat", facts)).toBe(realAnswer("read-only", "stat"));
  });

  test("dump answers as ZooKeeper does, empty buckets included", () => {
    const connectionExpiry = {
      elementCount: 2,
      buckets: [
        { expiresAtMs: captureTime(6, 41, 3), elementCount: 0, elements: [] },
        {
          expiresAtMs: captureTime(6, 41, 13),
          elementCount: 2,
          elements: [silentConnection(40876), silentConnection(40954)],
        },
      ],
    };
    expect(answer("dump", server(serving, { connectionExpiry }))).toBe(realAnswer("read-only", "dump"));
  });
});

describe("members of an ensemble", () => {
  const leader = {
    learners: 2,
    syncedFollowers: 1,
    syncedNonVotingFollowers: 0,
    pendingSyncs: 0,
    uptimeMs: 8365,
    proposalSizes: { last: 91, min: 48, max: 193 },
  };
  const sizes = { dataDirBytes: 67109495, dataLogDirBytes: 67109495 };

  test("a leader's conf has the membership and no line feed at its end", () => {
    const serving = standalone({ mode: "leader", config: memberConfig(2), ...sizes });
    expect(answer("conf", server(serving))).toBe(realAnswer("leader", "conf"));
  });

  test("an observer's conf says what it is", () => {
    const serving = standalone({
      mode: "observer",
      config: memberConfig(3),
      dataDirBytes: 67110108,
      dataLogDirBytes: 67110108,
    });
    expect(answer("conf", server(serving))).toBe(realAnswer("observer", "conf"));
  });

  test("several ports are joined by a bar", () => {
    const config = memberConfig(1, { electionPorts: [3888, 3889], quorumPorts: [2888, 2889] });
    const text = answer("conf", server(standalone({ config })));
    expect(text).toContain("electionPort=3888|3889\nquorumPort=2888|2889\n");
  });

  test("a leader's srvr adds proposal sizes", () => {
    const serving = standalone({
      mode: "leader",
      peer: peer({ leader }),
      latencyMs: { min: 0, average: 1.1969, max: 9 },
      packetsReceived: 329,
      packetsSent: 328,
      lastZxidHigh: 1,
    });
    expect(answer("srvr", server(serving))).toBe(realAnswer("leader", "srvr"));
  });

  test.each(["follower", "observer"] as const)("a %s's srvr ends with the node count", (mode) => {
    const serving = standalone({
      mode,
      peer: peer(),
      latencyMs: { min: 0, average: 0, max: 0 },
      packetsReceived: 9,
      packetsSent: 8,
      connectionCount: 2,
      lastZxidHigh: 1,
    });
    expect(answer("srvr", server(serving))).toBe(realAnswer(mode, "srvr"));
  });

  const a = session(0x200000e, 0x19a60000);
  const b = session(0x200000e, 0x19a60001);

  test("a follower's dump lists the timeouts of sessions that it cannot expire", () => {
    const serving = standalone({
      mode: "follower",
      sessions: {
        local: null,
        global: {
          kind: "timeouts",
          sessionCount: 2,
          sessions: [
            { ...a, timeoutMs: 30000 },
            { ...b, timeoutMs: 8000 },
          ],
        },
      },
      ephemerals: {
        sessionCount: 2,
        bySession: [
          { ...a, paths: ["/app/e1", "/app/e2"] },
          { ...b, paths: ["/app/b1"] },
        ],
      },
    });
    const connectionExpiry = {
      elementCount: 2,
      buckets: [
        { expiresAtMs: captureTime(6, 41, 13), elementCount: 0, elements: [] },
        {
          expiresAtMs: captureTime(6, 41, 23),
          elementCount: 2,
          elements: [silentConnection(37474), silentConnection(37578)],
        },
      ],
    };
    expect(answer("dump", server(serving, { connectionExpiry }))).toBe(realAnswer("follower", "dump"));
  });

  test("with local sessions the queues are told apart", () => {
    const expiry = { elementCount: 0, buckets: [] };
    const withLocal = (global: ReturnType<typeof standalone>["sessions"]["global"]): string =>
      answer("dump", server(standalone({ sessions: { local: expiry, global } }))).split("ephemeral")[0]!;
    expect(withLocal({ kind: "expiry", expiry })).toBe(
      "SessionTracker dump:\nLocal Session Sets (0)/(0):\nGlobal Session Sets (0)/(0):\n",
    );
    expect(withLocal({ kind: "timeouts", sessionCount: 0, sessions: [] })).toBe(
      "SessionTracker dump:\nLocal Session Sets (0)/(0):\nGlobal Sessions(0):\n",
    );
  });
});

describe("a long answer", () => {
  test("comes in slices, and connections are looked at only as slices are taken", () => {
    let seen = 0;
    function* connections(): Generator<ConnectionFacts, void, undefined> {
      for (; seen < 100_000; seen++) yield silentConnection(1024);
    }
    const slices = answerFourLetterWord("cons", server(standalone(), { connections: connections() }), null);
    let characters = 0;
    let largest = 0;
    let count = 0;
    for (const slice of slices) {
      if (count === 0) expect(seen).toBeLessThan(1000);
      count++;
      characters += slice.length;
      largest = Math.max(largest, slice.length);
    }
    expect(count).toBeGreaterThan(100);
    expect(largest).toBeLessThan(17 * 1024);
    expect(characters).toBe(100_000 * " /127.0.0.1:1024[1](queued=0,recved=0,sent=0)\n".length + 1);
  });

  test("is cut inside a path with very many watchers, too", () => {
    const watchers = Array.from({ length: 10_000 }, (_, index) => session(1, index));
    const dataWatches = { ...standalone().dataWatches, byPath: [{ path: "/hot", watchers }] };
    const slices = [...answerFourLetterWord("wchp", server(standalone({ dataWatches })), null)];
    expect(slices.length).toBeGreaterThan(5);
    expect(slices.join("").split("\n")).toHaveLength(10_003);
  });
});
