/**
 * Killed while it writes: whatever was acknowledged is found by the other server, and what is found is a beginning of
 * what was sent, in order, with nothing left out. Small snapCount, so that logs roll and snapshots are under way.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Build, subject, TestServer } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { WireConnection } from "../wire/connection.ts";
import { create } from "../wire/requests.ts";
import { dumpTree } from "./tree-dump.ts";

/** Creates in flight at most, and sent in all when nothing kills the server. */
const windowSize = 100;
const sentMax = 20_000;

const methods = ["", "gz", "snappy"] as const;

test.each(methods)("acknowledged writes survive crashes from server to server, snapshots %j", async (method) => {
  const folder = mkdtempSync(join(tmpdir(), "compat-crash-"));
  const config = { snapCount: 150, "snapshot.compression.method": method };
  const builds: readonly Build[] = [subject, "reference", subject, subject, "reference", "reference"];
  let acknowledged = 0;
  let sent = 0;
  try {
    for (const [round, build] of builds.entries()) {
      const server = new TestServer(build, { folder, config });
      const where = `round ${round}, ${build}`;
      try {
        await timed(build, async () => {
          await server.start();
          const found = await numbersFound(server);
          expect(found, where).toBeGreaterThanOrEqual(acknowledged);
          expect(found, where).toBeLessThanOrEqual(sent);
          expect(await server.fourLetterWord("mntr"), where).toContain("zk_digest_mismatches_count\t0\n");
          const begun = Promise.withResolvers<void>();
          const load = writeOn(server, found, begun.resolve);
          await Promise.race([begun.promise, load]);
          await delay(60 + round * 40);
          await server.kill();
          ({ acknowledged, sent } = await load);
          expect(acknowledged, where).toBeGreaterThan(found);
        });
      } finally {
        await server.kill();
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** How many of `/n0`, `/n1`, ... there are; they must be the first ones. */
async function numbersFound(server: TestServer): Promise<number> {
  const numbers = (await dumpTree(server.port))
    .map((znode) => /^\/n(\d+)$/.exec(znode.path)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number);
  numbers.sort((a, b) => a - b);
  expect(numbers.every((number, index) => number === index)).toBe(true);
  return numbers.length;
}

/** Creates `/n<first>`, and so on, until the connection ends; `onReply` is told of each that was acknowledged. */
async function writeOn(
  server: TestServer,
  first: number,
  onReply: () => void,
): Promise<{ acknowledged: number; sent: number }> {
  const connection = await WireConnection.open(server.port);
  await connection.handshake();
  let sent = first;
  let acknowledged = first;
  for (;;) {
    while (sent < first + sentMax && sent - acknowledged < windowSize) {
      connection.submit(create(`/n${sent}`, { data: `data of ${sent}` }));
      sent++;
    }
    const reply = await connection.nextFrame();
    if (reply === null) return { acknowledged, sent };
    expect(reply.readInt32BE(12)).toBe(0);
    acknowledged++;
    onReply();
    if (acknowledged === first + sentMax) return { acknowledged, sent };
  }
}
