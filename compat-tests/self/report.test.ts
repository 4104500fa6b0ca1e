/** The report counts what the tests said, and every case that is no success is in it with its reason. */

import type { TestCase, TestModule } from "vitest/node";
import { expect, test } from "vitest";
import { chosen, partOf, parts } from "../parts.ts";
import type { Case } from "../reporting/cases.ts";
import { htmlPage } from "../reporting/html.ts";
import { junitXml } from "../reporting/junit.ts";
import { countsOf, type PartReport, type Report, reportOfPart } from "../reporting/report.ts";
import { markdownTable, textTable } from "../reporting/table.ts";

interface TestStub {
  readonly name: string;
  readonly state: "passed" | "failed" | "skipped";
  readonly cases?: readonly Case[];
  readonly message?: string;
}

/** A module as the reporter gets it, with no more in it than the report looks at. */
function moduleOf(tests: readonly TestStub[], errors: readonly string[] = []): TestModule {
  const module = {
    errors: () => errors.map((message) => ({ message })),
    children: { allTests: () => tests.map(testOf), allSuites: () => [] },
  };
  return module as unknown as TestModule;
}

function testOf({ name, state, cases, message }: TestStub): TestCase {
  const stub = {
    fullName: name,
    result: () => ({ state, errors: message === undefined ? [] : [{ message }] }),
    meta: () => ({ compat: { ...(cases && { cases }), seconds: { ours: 2, reference: 3 } } }),
    diagnostic: () => ({ duration: 1500 }),
  };
  return stub as unknown as TestCase;
}

function partReport(tests: readonly TestStub[], errors: readonly string[] = []): PartReport {
  return reportOfPart(parts[1]!, [{ file: "wire/x.test.ts", module: moduleOf(tests, errors) }]);
}

function counts(part: PartReport): readonly number[] {
  const { equal, different, "left out": leftOut } = countsOf([part]);
  return [equal, different, leftOut];
}

const suiteCases: readonly Case[] = [
  { name: "a", ours: "passed", reference: "passed" },
  { name: "b", ours: "failed", reference: "passed", detail: "<b> & \u0001" },
  { name: "c", ours: "not run", reference: "not run", excluded: 'needs "TLS"' },
];

test("a test is one case, and a failed one is a difference with what was seen", () => {
  const part = partReport([
    { name: "one", state: "passed" },
    { name: "two", state: "failed", message: "\u001b[31mexpected 1\u001b[39m" },
  ]);
  expect(counts(part)).toEqual([1, 1, 0]);
  expect(part.tests[1]!.cases[0]).toMatchObject({ name: "two", detail: "expected 1" });
  expect(part.seconds).toEqual({ ours: 4, reference: 6 });
});

test("a test that drives a suite counts that suite's cases instead of itself", () => {
  expect(counts(partReport([{ name: "suite", state: "failed", cases: suiteCases }]))).toEqual([1, 1, 1]);
});

test("a test that fails although its cases are equal is a difference all the same", () => {
  const part = partReport([
    { name: "suite", state: "failed", cases: suiteCases.slice(0, 1), message: "no launch record" },
  ]);
  expect(counts(part)).toEqual([1, 1, 0]);
});

test("a file that breaks before its tests, and a test that is skipped, do not vanish", () => {
  expect(counts(partReport([], ["cannot be imported"]))).toEqual([0, 1, 0]);
  expect(counts(partReport([{ name: "one", state: "skipped" }]))).toEqual([0, 0, 1]);
});

const report: Report = {
  date: "2026-01-02T03:04",
  commit: "abcdef0",
  subject: "ours",
  reference: "the image x",
  machine: "a machine",
  loadAverage: 0.5,
  command: "npm run compat",
  isComplete: true,
  parts: [
    partReport([{ name: "suite", state: "failed", cases: suiteCases }]),
    partReport([{ name: "z", state: "passed" }]),
  ],
};

test("the tables add the parts up, and the README's names date and commit", () => {
  expect(textTable(report)).toMatch(/^all +3 +2 +1 +1 +4 +6$/m);
  expect(markdownTable(report)).toContain(
    "| all |  | 3 | 2 | 1 | 1 | 4 | 6 |\n\n2026-01-02, commit abcdef0; made by `npm run compat`; reference: the image x.",
  );
});

test("JUnit's file and the page carry each case, differences and reasons spelt safely", () => {
  const xml = junitXml(report);
  expect(xml).toContain('<testsuite name="wire" tests="3" failures="1" skipped="1"');
  expect(xml).toContain('<failure message="ours failed, reference passed">&lt;b&gt; &amp; \\u0001</failure>');
  expect(xml).toContain('<skipped message="needs &quot;TLS&quot;"/>');
  const page = htmlPage(report);
  expect(page).toContain("<pre>&lt;b&gt; &amp; \\u0001</pre>");
  expect(page).toContain("<li>c: needs &quot;TLS&quot;");
});

test("words choose parts by their name, files by theirs, and an unknown word is told what there is", () => {
  expect(partOf("client/java-3.4.test.ts").name).toBe("client/java-3.4");
  expect(partOf("wire/watches.test.ts").name).toBe("wire");
  expect(() => partOf("elsewhere/x.test.ts")).toThrow("belongs to no part");
  expect(chosen(["wire/watches"]).map(({ files }) => files)).toEqual([["wire/watches.test.ts"]]);
  expect(chosen(["kazoo"]).map(({ part }) => part.name)).toContain("client/kazoo");
  expect(() => chosen(["kazo0"])).toThrow(/no part has "kazo0" in its name; there are self, wire, disk/);
});
