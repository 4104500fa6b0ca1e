/** The fuzzer itself, on targets whose mistakes are known. */

import { describe, expect, test } from "vitest";
import { parseJavaInt } from "#base/java-values.ts";
import { Coverage } from "./coverage.ts";
import { distil, Fuzzer } from "./fuzzer.ts";
import type { FuzzTarget } from "./target.ts";
import { runMsMax } from "./trial.ts";

const seedInput = Buffer.from("00000004abcdefgh", "latin1");

function targetThat(run: (input: Buffer) => void | Promise<void>): FuzzTarget {
  return { name: "known", kind: "bytes", bytesMax: 64, allocatedBytesMax: 1000, seeds: () => [seedInput], run };
}

function fuzzerOf(target: FuzzTarget, seed = 1): Fuzzer {
  return new Fuzzer(target, { seed, corpus: [], coverage: null, watchdog: null });
}

async function findingsOf(run: (input: Buffer) => void | Promise<void>, runs = 2_000): Promise<Fuzzer["findings"]> {
  const fuzzer = fuzzerOf(targetThat(run));
  await fuzzer.replay();
  await fuzzer.fuzz({ runs, untilMs: Number.POSITIVE_INFINITY });
  return fuzzer.findings;
}

function failIf(condition: boolean): void {
  if (condition) throw new Error("found");
}

describe("a mistake", () => {
  test("is found, told once, and the input made as small as it can be", async () => {
    const findings = await findingsOf((input) => failIf(input.includes(0x80)));
    expect(findings.map(({ fault, input }) => [fault.kind, input.toString("hex")])).toEqual([["error", "80"]]);
  });

  test("in a later turn counts as well, and so does one in a promise that nobody waits for", async () => {
    const later = await findingsOf(async (input) => {
      queueMicrotask(() => failIf(input.includes(0x80)));
      await new Promise(setImmediate);
    });
    expect(later).toHaveLength(1);
    const forgotten = await findingsOf(async (input) => {
      void Promise.resolve().then(() => failIf(input.includes(0x80)));
      await new Promise(setImmediate);
    });
    expect(forgotten).toHaveLength(1);
  });

  test("may be memory that is taken for a length that nobody has looked at", async () => {
    const findings = await findingsOf((input) => {
      if (input.length >= 4) Buffer.alloc(Math.min(Math.abs(input.readInt32BE()), 1 << 20));
    });
    expect(findings.map(({ fault }) => fault.kind)).toEqual(["memory"]);
  });

  test("may be time", async () => {
    const slow = targetThat(() => {
      const before = process.threadCpuUsage();
      while (process.threadCpuUsage(before).user < (runMsMax + 10) * 1000);
    });
    const fuzzer = fuzzerOf({ ...slow, seeds: () => [Buffer.alloc(1)] });
    await fuzzer.replay();
    expect(fuzzer.findings.map(({ fault }) => fault.kind)).toEqual(["slow"]);
  });
});

/** The first inputs that come of a seed. */
async function inputsOf(seed: number): Promise<string[]> {
  const inputs: string[] = [];
  const fuzzer = fuzzerOf(
    targetThat((input) => void inputs.push(input.toString("hex"))),
    seed,
  );
  await fuzzer.fuzz({ runs: 50, untilMs: Number.POSITIVE_INFINITY });
  return inputs;
}

test("the same seed gives the same inputs, another one others", async () => {
  expect(await inputsOf(1)).toEqual(await inputsOf(1));
  expect(await inputsOf(1)).not.toEqual(await inputsOf(2));
});

test("what reaches code that nothing before has reached is kept, and made smaller", async () => {
  const target = targetThat((input) => void parseJavaInt(input.toString("latin1")));
  const coverage = new Coverage();
  const fuzzer = new Fuzzer(target, { seed: 1, corpus: [Buffer.from("x")], coverage, watchdog: null });
  await fuzzer.replay();
  await fuzzer.fuzz({ runs: 3_000, untilMs: Number.POSITIVE_INFINITY });
  const found = fuzzer.corpus.slice(2);
  expect(found.length).toBeGreaterThan(0);
  coverage.reset();
  const kept = await distil(target, coverage, { known: [seedInput, Buffer.from("x")], found });
  coverage.close();
  expect(kept.length).toBeGreaterThan(0);
  expect(Math.max(...kept.map(({ length }) => length))).toBeLessThanOrEqual(
    Math.max(...found.map(({ length }) => length)),
  );
});
