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
const connections = 4;

describe("requests allocate next to nothing", { timeout: 120_000 }, () => {
  let server: ServerProcess;
  let target: LoadTarget;
  const folder = mkdtempSync(join(tmpdir(), "nodekeeper-allocations-"));

  beforeAll(async () => {
    server = await ServerProcess.start(withProbe({ kind: "ours", folder, isScribbling: false }, folder));
    target = new LoadTarget("ours", [server], 10_000);
  });

  afterAll(async () => {
    await server.dispose();
    rmSync(folder, { recursive: true });
  });

  /** Bytes for each request, once everything that grows has grown and the code is compiled. */
  async function bytesEach(operation: Operation): Promise<number> {
    const shape = { name: operation, shares: [{ operation, percent: 100 }], connections, depth, dataBytes: 100 };
    await target.runCount(shape, count);
    const before = await readProbe(folder);
    await target.runCount(shape, count);
    const after = await readProbe(folder);
    return (after.allocatedBytes - before.allocatedBytes) / count;
  }

  test.each([
    ["getData", 20],
    ["exists", 20],
    ["setData", 40],
    ["multi", 400],
  ] as const)("%s, of less than %i bytes each, those of turns and batches included", async (operation, bytesMax) => {
    expect(await bytesEach(operation)).toBeLessThan(bytesMax);
  });
});
