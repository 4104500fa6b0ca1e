/** The server as a process: how it starts, what it says when it cannot, and how it ends. */

import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ServerOptions, ServerProcess, testedKind } from "../support/server-process.ts";
import { WireClient } from "../support/wire-client.ts";

/** The lines that an operator sees on standard error. */
function errorLines(server: ServerProcess): string[] {
  return server.stderr.split("\n").filter((line) => line !== "" && !line.startsWith("SLF4J"));
}

/** Starts a server that is expected to end by itself. */
async function startInVain(server: ServerProcess): Promise<number | null> {
  server.launch();
  return (await server.exited).code;
}

describe("SIGTERM", () => {
  test("ends an idle server within a second", async () => {
    await using server = await ServerProcess.start();
    const fromMs = performance.now();
    const exit = await server.stop();
    expect(performance.now() - fromMs).toBeLessThan(1000);
    expect(exit).toEqual({ code: 143, signal: null });
  });

  test("ends a server with clients and writes under way within a second, and keeps what was acknowledged", async () => {
    await using server = await ServerProcess.start();
    const clients = await Promise.all(Array.from({ length: 20 }, () => WireClient.connect(server.port)));
    await clients[0]!.create("/busy", "");
    let acknowledged = 0;
    const { promise: underWay, resolve } = Promise.withResolvers<void>();
    const work = clients.map(async (client) => {
      for (;;) {
        const { version } = await client.setData("/busy", "x");
        acknowledged = Math.max(acknowledged, version);
        if (acknowledged > 500) resolve();
      }
    });
    const ends = Promise.allSettled(work);
    await underWay;
    const fromMs = performance.now();
    expect((await server.stop()).code).toBe(143);
    expect(performance.now() - fromMs).toBeLessThan(1000);
    await ends;
    await server.restart();
    using client = await WireClient.connect(server.port);
    expect((await client.exists("/busy"))?.version).toBeGreaterThanOrEqual(acknowledged);
  });

  test("closes its clients' connections without a word", async () => {
    await using server = await ServerProcess.start();
    const client = await WireClient.connect(server.port);
    await server.stop();
    await client.ended;
    expect(client.arrivals).toEqual([]);
  });
});

describe("a start that must fail", () => {
  test("on a port that is taken: exit code 1, and the first server serves on", async () => {
    await using first = await ServerProcess.start();
    await using second = await ServerProcess.prepare({ settings: { clientPort: first.port } });
    expect(await startInVain(second)).toBe(1);
    if (testedKind === "ours") expect(errorLines(second)).toEqual([expect.stringContaining(String(first.port))]);
    using client = await WireClient.connect(first.port);
    expect(await client.exists("/")).not.toBeNull();
  });

  const broken: (ServerOptions & { name: string; key: string })[] = [
    { name: "a number that is none", key: "tickTime", settings: { tickTime: "often" } },
    { name: "a boolean that is none", key: "reconfigEnabled", settings: { reconfigEnabled: "yes" } },
    { name: "no dataDir", key: "dataDir", settings: { dataDir: null } },
    {
      name: "bounds the wrong way round",
      key: "minSessionTimeout",
      settings: { minSessionTimeout: 9000, maxSessionTimeout: 5000 },
    },
  ];

  test.each(broken)(
    "on a zoo.cfg with $name: exit code 2, and a line that names the key",
    async ({ key, settings }) => {
      await using server = await ServerProcess.prepare({ settings: settings ?? {} });
      expect(await startInVain(server)).toBe(2);
      if (testedKind === "ours") expect(errorLines(server)).toEqual([expect.stringContaining(key)]);
    },
  );

  test("on a zoo.cfg that is not there: exit code 2", async () => {
    await using server = await ServerProcess.prepare();
    writeFileSync(server.configPath, `dynamicConfigFile=${server.folder}/absent\n`);
    expect(await startInVain(server)).toBe(2);
  });
});

describe("a start on what is there", () => {
  test("finds the znodes of ten restarts, clean and unclean", async () => {
    await using server = await ServerProcess.start();
    for (let i = 0; i < 10; i++) {
      const client = await WireClient.connect(server.port);
      await client.create(`/restart-${i}`, String(i));
      const names = (await client.getChildren("/")).filter((name) => name.startsWith("restart-"));
      expect(names).toHaveLength(i + 1);
      client.drop();
      await (i % 2 === 0 ? server.stop() : server.kill());
      await server.restart();
    }
  });
});
