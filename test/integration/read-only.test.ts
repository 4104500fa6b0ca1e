/** Members that lose their quorum and serve reads, with processes and sockets as they are; and the local sessions that this takes. */

import { describe, expect, test } from "vitest";
import { EnsembleProcess } from "../support/ensemble-process.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { fourLetterWord, RefusedError, WireClient } from "../support/wire-client.ts";
import { err, flag } from "../support/wire-frames.ts";

const patienceMs = 30_000;
const options = {
  kinds: ["ours", "ours", "ours"],
  settings: { localSessionsEnabled: "true", localSessionsUpgradingEnabled: "true", "4lw.commands.whitelist": "*" },
  server: { flags: { "readonlymode.enabled": "true" } },
} as const;

async function untilReadOnly(server: ServerProcess): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!server.stdout.includes("Read-only server started")) {
    if (Date.now() > deadline) throw new Error(`it does not become read-only\n${server.stdout}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("a member that has lost the others", () => {
  test("answers reads until they are back, and lets nobody in who wants to write", { timeout: 60_000 }, async () => {
    await using ensemble = await EnsembleProcess.start(options);
    const [alone, ...others] = ensemble.servers as [ServerProcess, ServerProcess, ServerProcess];
    {
      using client = await WireClient.connect(alone.port);
      await client.create("/a", "kept");
      await client.create("/mine", "", flag.ephemeral);
    }
    for (const server of others) await server.kill();
    await untilReadOnly(alone);
    await expect(WireClient.connect(alone.port)).rejects.toThrow("closed during the handshake");
    using reader = await WireClient.connect(alone.port, { isReadOnly: true });
    expect((await reader.getData("/a")).data?.toString()).toBe("kept");
    expect(await reader.setData("/a", "new").catch((error: unknown) => (error as RefusedError).code)).toBe(-119);
    expect(await fourLetterWord(alone.port, "isro")).toBe("ro");
    expect(await fourLetterWord(alone.port, "srvr")).toContain("Mode: read-only");
    for (const server of others) server.launch();
    expect(await reader.ended).toBe("end");
    await ensemble.settled();
    using writer = await WireClient.connect(alone.port, { isReadOnly: true });
    await writer.setData("/a", "new");
    expect((await writer.getData("/a")).data?.toString()).toBe("new");
  });
});

describe("a local session", () => {
  test(
    "is nobody's when its server starts again; once it owns a znode it is everybody's",
    { timeout: 60_000 },
    async () => {
      await using ensemble = await EnsembleProcess.start(options);
      const leader = await ensemble.leader();
      const follower = ensemble.servers.find((server) => server !== leader)!;
      using local = await WireClient.connect(follower.port);
      using owner = await WireClient.connect(follower.port);
      await owner.create("/mine", "", flag.ephemeral);
      using early = await WireClient.connect(leader.port, { session: local.session });
      expect(early.session.id).toBe(0n);
      await follower.kill();
      follower.launch();
      await ensemble.settled();
      using lost = await WireClient.connect(follower.port, { session: local.session });
      expect(lost.session.id).toBe(0n);
      using found = await WireClient.connect(follower.port, { session: owner.session });
      expect(found.session.id).toBe(owner.session.id);
      await expect(found.create("/mine")).rejects.toMatchObject({ code: err.nodeExists });
      await found.closeSession();
      using last = await WireClient.connect(leader.port);
      expect(await last.exists("/mine")).toBeNull();
    },
  );
});
