/**
 * A disk that takes no more. The server must end, with ZooKeeper's exit code, rather than acknowledge what it could not
 * write; and with room again everything that was acknowledged must be there.
 */

import { expect, test } from "vitest";
import { ServerProcess, testedKind } from "../support/server-process.ts";
import { WireClient } from "../support/wire-client.ts";

const limitBytes = 512 * 1024;

/** Creates znodes until the connection ends. @returns how many were acknowledged. */
async function createUntilTheEnd(client: WireClient): Promise<number> {
  for (let acknowledged = 0; ; acknowledged++) {
    try {
      await client.create(`/n${acknowledged}`, Buffer.alloc(1000));
    } catch {
      return acknowledged;
    }
  }
}

test("a log that cannot grow ends the server with exit code 1, and no acknowledged write is lost", async () => {
  await using server = await ServerProcess.prepare({ settings: { preAllocSize: 64 } });
  server.launch({ fileBytesMax: limitBytes });
  await server.waitUntilServing();
  using client = await WireClient.connect(server.port);
  const acknowledged = await createUntilTheEnd(client);
  expect(acknowledged).toBeGreaterThan(100);
  expect((await server.exited).code).toBe(1);
  await server.restart();
  using reader = await WireClient.connect(server.port);
  for (let i = 0; i < acknowledged; i++) expect(await reader.exists(`/n${i}`)).not.toBeNull();
});

test("a snapshot that cannot be written ends the server with exit code 10, and no acknowledged write is lost", async () => {
  // The logs stay small, one for each snapshot; the snapshots grow beyond the limit.
  await using server = await ServerProcess.prepare({ settings: { preAllocSize: 64, snapCount: 40 } });
  server.launch({ fileBytesMax: limitBytes });
  await server.waitUntilServing();
  using client = await WireClient.connect(server.port);
  const acknowledged = await createUntilTheEnd(client);
  expect((await server.exited).code).toBe(10);
  await server.restart();
  using reader = await WireClient.connect(server.port);
  for (let i = 0; i < acknowledged; i++) expect(await reader.exists(`/n${i}`)).not.toBeNull();
  if (testedKind === "ours") expect(acknowledged).toBeGreaterThan(100);
});
