/**
 * session-with-more-ephemerals-than-a-transaction-holds: the reference logs the end of a session with the path of everything that
 * goes with it, however long that becomes; then neither it nor any peer reads that transaction. Ours logs the end without
 * the list, as ZooKeeper did before 3.6, and both read it.
 */

import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Build, subject, TestServer } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { closeSession, create, flag } from "../wire/requests.ts";
import { Scene } from "../wire/scene.ts";
import { readingOf, refused } from "./reading.ts";

/** Paths of 150 bytes: twice what a transaction may be, which is twice jute.maxbuffer. */
const count = 18_000;
const atOnce = 500;

/** A session creates them and ends; the server is killed. @returns what each build reads in the folder. */
async function readingsBehind(build: Build): Promise<Map<Build, string>> {
  const folder = mkdtempSync(join(tmpdir(), "compat-ephemerals-"));
  const server = new TestServer(build, { folder, config: { snapCount: 1_000_000 } });
  try {
    await timed(build, async () => {
      await server.start();
      const scene = await Scene.open(server.port);
      const actor = await scene.actor("a");
      for (let from = 0; from < count; from += atOnce) {
        const requests = Array.from({ length: atOnce }, (_, i) => create(pathOf(from + i), { flags: flag.ephemeral }));
        const replies = await actor.pipeline(requests);
        expect(replies.every((reply) => reply?.err === 0)).toBe(true);
      }
      await actor.ask(create("/stays"));
      await actor.ask(closeSession);
      await actor.untilClosed();
    });
    await server.kill();
    const readings = new Map<Build, string>();
    for (const reader of new Set<Build>(["reference", subject])) {
      readings.set(reader, await readingOf(reader, (copy) => cpSync(server.dataFolder, copy, { recursive: true })));
    }
    return readings;
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function pathOf(number: number): string {
  return `/${String(number).padStart(150, "e")}`;
}

test("the reference does not start again on its own folder", async () => {
  expect((await readingsBehind("reference")).get("reference")).toBe(refused);
});

test.runIf(subject === "ours")("both read ours, and the ephemerals are gone", async () => {
  const readings = await readingsBehind("ours");
  expect(readings.get("ours")).toContain('"/stays"');
  expect(readings.get("ours")).not.toContain("eeee");
  expect(readings.get("reference")).toBe(readings.get("ours"));
});
