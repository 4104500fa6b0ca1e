/**
 * What a request allocates does not depend on the machine's mood, so it is checked with every change. A turn allocates (a read
 * and a write of a socket), and so does a batch of the log; a request must not: garbage is what makes a server's latency jump.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerProcess } from "../support/server-process.ts";
import { LoadTarget } from "./load-target.ts";
import { readProbe, withProbe } from "./probed-server.ts";
import type { Operation } from "./request-template.ts";

/** Requests of a turn of a connection: what a turn allocates is divided by so many. */
const depth = 400;
const count = 100_000;
const rounds = 10;
const connections = 4;
/** No snapshot falls into the measurement. */
const settings = { snapCount: 1_000_000_000 };

describe("requests allocate next to nothing", { timeout: 120_000 }, () => {
  let server: ServerProcess;
  let target: LoadTarget;
  const folder = mkdtempSync(join(tmpdir(), "nodekeeper-allocations-"));

  beforeAll(async () => {
    server = await ServerProcess.start(withProbe({ kind: "ours", folder, settings, isScribbling: false }));
    target = new LoadTarget("ours", [server], 10_000);
  });

  afterAll(async () => {
    await server.dispose();
    rmSync(folder, { recursive: true });
  });

  /**
   * Bytes for each request, once everything that grows has grown and the code is compiled, which takes longer on a busy machine:
   * the least of some rounds. What a request allocates, it allocates in each.
   */
  async function bytesEach(operation: Operation): Promise<number> {
    const shape = { name: operation, shares: [{ operation, percent: 100 }], connections, depth, dataBytes: 100 };
    const seen: number[] = [];
    let before = await readProbe(folder);
    for (let round = 0; round < rounds; round++) {
      await target.runCount(shape, count);
      const after = await readProbe(folder);
      seen.push((after.allocatedBytes - before.allocatedBytes) / count);
      before = after;
    }
    return Math.min(...seen);
  }

  test.each([
    ["getData", 12],
    ["exists", 12],
    ["setData", 25],
    ["multi", 40],
  ] as const)("%s, of less than %i bytes each, those of turns and batches included", async (operation, bytesMax) => {
    expect(await bytesEach(operation)).toBeLessThan(bytesMax);
  });
});
