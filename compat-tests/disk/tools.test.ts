/**
 * ZooKeeper's own offline tools over the files that ours wrote, closed and killed, in every compression: no complaint, and
 * the same output as for the reference's files after the same writes.
 */

import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { subject } from "../reference/server.ts";
import { readSnapshot } from "./files.ts";
import { ofEach, type Played, withBoth } from "./played.ts";
import { maskedJson, maskedSnapshot, maskedSummary, outputOf, SessionNames } from "./tools.ts";

/** A dozen virtual machines start in each test, whatever else the machine has to do. */
const timeout = 300_000;

const everyEnd = ["stop", "kill"] as const;
const everyCase = ["", "gz", "snappy"].flatMap((method) => everyEnd.map((end) => ({ method, end })));

test.each(everyCase)("snapshot tools print the same of ours: $method, $end", { timeout }, async ({ method, end }) => {
  await withBoth({ end, config: { "snapshot.compression.method": method } }, async (ours, reference) => {
    expect(basename(ours.snapshot)).toBe(basename(reference.snapshot));
    await compareContents(ours, reference);
    await compareFormatted(ours, reference, "-d");
    const [summary, expectedSummary] = await ofEach([ours, reference], async ({ snapshot }) =>
      maskedSummary(await outputOf("SnapshotRecursiveSummary", snapshot, "/", "0")),
    );
    expect(expectedSummary).toContain("-- /round-3\n");
    expect(summary).toBe(expectedSummary);
    const compared = await outputOf("SnapshotComparer", "-l", ours.snapshot, "-r", reference.snapshot, ...everything);
    expect(compared).toContain("All layers compared.");
    expect(differencesIn(compared)).toEqual([]);
  });
});

test("SnapshotFormatter prints the same of ours in its other forms", { timeout }, async () => {
  await withBoth({ end: "kill", config: {} }, async (ours, reference) => {
    await compareFormatted(ours, reference);
    const [tree, expectedTree] = await ofEach([ours, reference], async ({ snapshot }) =>
      maskedJson(await outputOf("SnapshotFormatter", "-json", snapshot)),
    );
    expect(expectedTree).toContain('"lasting-20000"');
    expect(tree).toBe(expectedTree);
    // The comparer does tell a difference when there is one.
    const empty = join(ours.dataFolder, "version-2", basename(ours.snapshot).replace(/\.[0-9a-f]+/, ".0"));
    const compared = await outputOf("SnapshotComparer", "-l", ours.snapshot, "-r", empty, ...everything);
    expect(differencesIn(compared).join("\n")).toContain("/round-3");
  });
});

async function compareFormatted(ours: Played, reference: Played, ...words: readonly string[]): Promise<void> {
  const [found, expected] = await ofEach([ours, reference], async ({ snapshot }) =>
    maskedSnapshot(await outputOf("SnapshotFormatter", ...words, snapshot), new SessionNames()),
  );
  expect(expected).toContain("\n/round-3/seq-0000000002\n");
  expect(found).toBe(expected);
}

/** open-acl-has-no-number: world:anyone with all permissions is in the reference's table of lists only. */
async function compareContents(ours: Played, reference: Played): Promise<void> {
  const [found, expected] = [readSnapshot(ours.snapshot), readSnapshot(reference.snapshot)];
  expect(found.acls).toEqual(expected.acls);
  expect(expected.isOpenAclListed).toBe(true);
  expect(found.isOpenAclListed).toBe(subject === "reference");
}

/** Thresholds of SnapshotComparer: no difference is too small. */
const everything = ["-b", "0", "-n", "0"];

/** The lines in which SnapshotComparer names a znode. */
function differencesIn(output: string): string[] {
  return output.split("\n").filter((line) => /^Node .* found (only )?in /.test(line));
}
