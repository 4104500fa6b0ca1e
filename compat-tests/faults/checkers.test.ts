/** The checkers find what they are there for: histories in which a promise was broken, each by one fact. */

import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundPlan } from "./evidence.ts";
import { adler32, filesOf, zxidOfName } from "../disk/files.ts";
import { judge, rulesOf } from "./judge.ts";
import { commandOf } from "./kept-rounds.ts";
import type { Operation, Value } from "./operations.ts";
import { playRound } from "./round.ts";
import { workloadOf, workloads } from "./workloads/workloads.ts";

type Step = readonly [f: string, value: Value, type: Operation["type"], result: Value, at?: readonly [number, number]];

const rules = { isSyncFresh: () => true };

/** Operations one after the other, unless they say when. */
function history(steps: readonly Step[]): Operation[] {
  return steps.map(([f, value, type, result, [invokedMs, completedMs] = [0, 0]], i) => ({
    workload: "",
    process: i,
    f,
    value,
    type,
    result,
    invokedMs: invokedMs === 0 ? 10 * i + 1 : invokedMs,
    completedMs: completedMs === 0 ? 10 * i + 2 : completedMs,
  }));
}

interface Example {
  readonly workload: string;
  readonly what: string;
  readonly steps: readonly Step[];
  /** What is found; null where all is well. */
  readonly found: RegExp | null;
}

const r = "/register/0";

const examples: readonly Example[] = [
  {
    workload: "register",
    what: "a write of unknown result that shows later",
    steps: [
      ["write", [r, 5], "unknown", null],
      ["read", [r], "ok", [0, 0]],
      ["read", [r], "ok", [5, 1]],
    ],
    found: null,
  },
  {
    workload: "register",
    what: "a stale read",
    steps: [
      ["write", [r, 5], "ok", [1]],
      ["read", [r], "ok", [0, 0]],
    ],
    found: /register\/0 is not linearizable/,
  },
  {
    workload: "register",
    what: "a stale read behind a sync",
    steps: [
      ["write", [r, 5], "ok", [1]],
      ["sync-read", [r], "ok", [0, 0]],
    ],
    found: /not linearizable/,
  },
  {
    workload: "register",
    what: "a lost write",
    steps: [
      ["write", [r, 5], "ok", [1]],
      ["write", [r, 6], "ok", [1]],
    ],
    found: /not linearizable/,
  },
  {
    workload: "register",
    what: "a write of unknown result that shows, and is gone again",
    steps: [
      ["write", [r, 5], "unknown", null],
      ["read", [r], "ok", [5, 1]],
      ["read", [r], "ok", [0, 0]],
    ],
    found: /not linearizable/,
  },
  {
    workload: "register",
    what: "a set under another version than the register's",
    steps: [
      ["write", [r, 5], "ok", [1]],
      ["cas", [r, 0, 6], "ok", [1]],
    ],
    found: /not linearizable/,
  },
  {
    workload: "register",
    what: "a set under the register's version that was refused",
    steps: [["cas", [r, 0, 6], "fail", null]],
    found: /not linearizable/,
  },
  {
    workload: "set",
    what: "an element of unknown result that is there",
    steps: [
      ["add", 1, "ok", null],
      ["add", 2, "unknown", null],
      ["read", null, "ok", [2, 1]],
    ],
    found: null,
  },
  {
    workload: "set",
    what: "a lost element",
    steps: [
      ["add", 1, "ok", null],
      ["read", null, "ok", []],
    ],
    found: /added and lost: 1/,
  },
  { workload: "set", what: "an element of nobody's", steps: [["read", null, "ok", [7]]], found: /never added: 7/ },
  {
    workload: "counter",
    what: "half an increment",
    steps: [
      ["increment", 1, "ok", null],
      ["end", null, "ok", [1]],
    ],
    found: /acknowledged and lost: 1/,
  },
  {
    workload: "counter",
    what: "a number that two were given",
    steps: [
      ["increment", 1, "ok", null],
      ["increment", 1, "ok", null],
      ["end", null, "ok", [1, 1]],
    ],
    found: /acknowledged twice: 1/,
  },
  {
    workload: "counter",
    what: "an increment of which nobody knows and nothing is there",
    steps: [["end", null, "ok", [1]]],
    found: /the counter is 1, without the znodes of: 1/,
  },
  {
    workload: "unique-ids",
    what: "an id that two were given",
    steps: [
      ["generate", null, "ok", 3],
      ["generate", null, "ok", 3],
    ],
    found: /given twice: 3/,
  },
  {
    workload: "unique-ids",
    what: "an id below one that had been given",
    steps: [
      ["generate", null, "ok", 3],
      ["generate", null, "ok", 2],
    ],
    found: /2 was given when 3 had been/,
  },
  {
    workload: "total-queue",
    what: "an element that was taken twice",
    steps: [
      ["enqueue", 1, "ok", 0],
      ["dequeue", null, "ok", [1, 0]],
      ["dequeue", null, "ok", [1, 0]],
      ["drain", null, "ok", []],
    ],
    found: /dequeued twice, or dequeued and still there: 1/,
  },
  {
    workload: "total-queue",
    what: "a lost element",
    steps: [
      ["enqueue", 1, "ok", 0],
      ["drain", null, "ok", []],
    ],
    found: /enqueued and lost: 1/,
  },
  {
    workload: "total-queue",
    what: "an element that somebody may have taken",
    steps: [
      ["enqueue", 1, "ok", 0],
      ["dequeue", null, "unknown", [1, 0]],
      ["drain", null, "ok", []],
    ],
    found: null,
  },
  {
    workload: "linear-queue",
    what: "elements taken in another order",
    steps: [
      ["enqueue", 1, "ok", 0],
      ["enqueue", 2, "ok", 1],
      ["dequeue", null, "ok", [2, 1]],
      ["dequeue", null, "ok", [1, 0]],
      ["drain", null, "ok", []],
    ],
    found: /number 0 was dequeued when 1 had been/,
  },
  {
    workload: "linear-queue",
    what: "an element that was passed over",
    steps: [
      ["enqueue", 1, "ok", 0],
      ["enqueue", 2, "ok", 1],
      ["dequeue", null, "ok", [2, 1]],
      ["drain", null, "ok", [1]],
    ],
    found: /2 was dequeued before: 1/,
  },
];

test.each(examples)("$workload: $what", ({ workload, steps, found }) => {
  const check = (): void => workloadOf(workload).check(history(steps), rules);
  if (found === null) expect(check).not.toThrow();
  else expect(check).toThrow(found);
});

const plan: RoundPlan = {
  builds: ["ours", "ours", "ours"],
  workloads: workloads.map(({ name }) => name),
  nemesis: "kill-one",
  seed: 1,
  troubleMs: 2_000,
  isCuttable: false,
};

describe("what is excused by a strike", () => {
  const strikes = [{ fromMs: 1_000, untilMs: 5_000 }];
  const outcome = { trees: [], treesAfterRestart: [], digestMismatches: [], problems: [], strikes };
  const times = [999, 1_000, 4_999, 5_000];

  test("is a stale sync while a leader may have been replaced, and none in peace", () => {
    const { isSyncFresh } = rulesOf({ plan: { ...plan, nemesis: "halves" }, outcome });
    expect(times.map(isSyncFresh)).toEqual([true, false, false, true]);
    expect(times.map(rulesOf({ plan, outcome }).isSyncFresh)).toEqual([true, true, true, true]);
  });

  test("is a session's early end by as long as its server may have been alone", () => {
    const { slackMsAt } = rulesOf({ plan: { ...plan, nemesis: "pause-one" }, outcome });
    expect(times.map(slackMsAt)).toEqual([2_250, 4_750, 4_750, 2_250]);
    expect(times.map(rulesOf({ plan, outcome }).slackMsAt)).toEqual([2_250, 2_250, 2_250, 2_250]);
  });
});

test("a round whose members do not come up says so, and how to try again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "faults-down-"));
  try {
    // Where the first member's folder should be.
    writeFileSync(join(folder, "server-1"), "");
    const { findings } = await playRound(plan, folder);
    expect(findings[0]).toMatchObject({ checker: "while it ran", problem: expect.stringContaining("server-1") });
    expect(judge(folder)).toEqual(findings);
    expect(commandOf(plan)).toContain("--nemesis kill-one --seconds 2 --seed 1 --rounds 1");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("a round that held", () => {
  const held = mkdtempSync(join(tmpdir(), "faults-held-"));
  const broken = mkdtempSync(join(tmpdir(), "faults-broken-"));

  beforeAll(async () => {
    await playRound(plan, held);
  });

  afterAll(() => {
    for (const folder of [held, broken]) rmSync(folder, { recursive: true, force: true });
  });

  /** What is found in a copy of it that was changed. */
  function problems(change: (folder: string) => void): string[] {
    rmSync(broken, { recursive: true, force: true });
    cpSync(held, broken, { recursive: true });
    change(broken);
    return judge(broken).flatMap(({ checker, problem }) => (problem === null ? [] : [`${checker}: ${problem}`]));
  }

  test("is found to have held", () => {
    expect(problems(() => {})).toEqual([]);
  });

  test("has not when an answer shows what was there before", () => {
    const found = problems((folder) => {
      // The second version of some register is shown as the first.
      edit(join(folder, "conversations.jsonl"), /(err=0 \\"\d+\\" \d+,\d+,\d+,\d+,)2,/, "$11,");
    });
    expect(found.join()).toMatch(/^history: client \d+ was answered/);
  });

  test("has not when acknowledged transactions are in nobody's log", () => {
    const found = problems((folder) => {
      const folders = [1, 2, 3].map((sid) => join(folder, `server-${sid}`, "data"));
      // Whoever was sent the tree has no log of the beginning.
      const first = folders
        .flatMap((data) => filesOf(data, "log"))
        .reduce((a, b) => (zxidOfName(a) <= zxidOfName(b) ? a : b));
      for (const data of folders) {
        rmSync(join(data, "kept"), { recursive: true });
        for (const name of filesOf(data, "log")) {
          const log = join(data, "version-2", name);
          if (name === first) truncateSync(log, 2_000);
          else rmSync(log);
        }
      }
    });
    expect(found.join()).toMatch(/history: .*acknowledged and lost/);
  });

  test("has not when all members have lost what their logs tell", () => {
    const found = problems((folder) => {
      const path = join(folder, "outcome.json");
      writeFileSync(path, readFileSync(path, "utf8").replaceAll(/\\n\{\\"path\\":\\"\/counter\\".*?(?=\\n)/g, ""));
    });
    expect(found.join()).toMatch(/^history: .*\/counter/);
  });

  test("has not when two members have different transactions of one zxid", () => {
    const found = problems((folder) => {
      const [log] = globSync(join(folder, "server-2", "data", "kept", "version-2", "log.*"));
      const bytes = readFileSync(log!);
      // The first transaction's last byte, a digest's, under a checksum that is right.
      const length = bytes.readInt32BE(24);
      bytes[28 + length - 1]! ^= 1;
      bytes.writeBigInt64BE(BigInt(adler32(bytes.subarray(28, 28 + length))), 16);
      // Its other names are the member's own log.
      rmSync(log!);
      writeFileSync(log!, bytes);
    });
    expect(found.join()).toMatch(/^history: Error: two transactions are 0x/);
  });

  /** What is found of a round of these members, of which the first has counted so many mismatches. */
  function problemsOf(builds: RoundPlan["builds"], count: string): string[] {
    return problems((folder) => {
      edit(join(folder, "plan.json"), /"builds":\[.*?\]/, `"builds":${JSON.stringify(builds)} `);
      edit(join(folder, "outcome.json"), /"digestMismatches":\[0/, `"digestMismatches":[${count}`);
    });
  }

  test("has not when a digest was another than its transaction's", () => {
    expect(problemsOf(["ours", "ours", "ours"], "1")).toEqual(["replicas: digest mismatches: 1, 0, 0"]);
    expect(problemsOf(["ours", "reference", "reference"], "1")).toEqual(["replicas: digest mismatches: 1, 0, 0"]);
    expect(problemsOf(["reference", "ours", "ours"], "1")).toEqual(["replicas: digest mismatches: 1, 0, 0"]);
  });

  test("may have, when 3.9.5 counts what another 3.9.5 has sent it, but not when it says nothing", () => {
    expect(problemsOf(["reference", "reference", "ours"], "1")).toEqual([]);
    expect(problemsOf(["reference", "reference", "ours"], "null")).toEqual(["replicas: digest mismatches: , 0, 0"]);
  });

  test("has not when a member has another tree", () => {
    const found = problems((folder) => edit(join(folder, "outcome.json"), /"\/counter\\"/, '"/counted\\"'));
    expect(found.join()).toMatch(/replicas: server \d has another tree/);
  });
});

function edit(path: string, from: RegExp, to: string): void {
  const text = readFileSync(path, "utf8");
  const edited = text.replace(from, to);
  expect(edited).not.toBe(text);
  writeFileSync(path, edited);
}
