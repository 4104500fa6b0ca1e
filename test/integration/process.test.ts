/** The server as a process: how it starts, what it says when it cannot, and how it ends. */

import { writeFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { type ServerOptions, ServerProcess, testedKind } from "../support/server-process.ts";
import { WireClient } from "../support/wire-client.ts";

/** The lines that an operator sees on standard error. */
function errorLines(server: ServerProcess): string[] {
  return server.stderr.split("\n").filter((line) => line !== "" && !line.startsWith("SLF4J"));
}

/** The messages of the log, which is JSON when it does not go to a terminal. */
function logged(server: ServerProcess): string[] {
  const lines = server.stdout.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
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

describe.runIf(testedKind === "ours")("other signals", () => {
  test("SIGHUP ends the server in order, and the log says so to the end", async () => {
    await using server = await ServerProcess.start();
    using client = await WireClient.connect(server.port);
    await client.create("/a", "");
    process.kill(server.pid, "SIGHUP");
    expect((await server.exited).code).toBe(129);
    const messages = logged(server);
    expect(messages).toContain("Exiting on a signal, SIGHUP");
    expect(messages.at(-1)).toBe("Stopped: 1 connections closed, the log is complete");
  });

  test("SIGQUIT tells how things are, SIGUSR1 opens no debugger, and the server goes on", async () => {
    await using server = await ServerProcess.start();
    using client = await WireClient.connect(server.port);
    for (const signal of ["SIGQUIT", "SIGUSR1", "SIGUSR2"] as const) process.kill(server.pid, signal);
    await vi.waitFor(() => {
      for (const signal of ["SIGUSR1", "SIGUSR2"]) expect(logged(server)).toContain(`Ignored ${signal}`);
      expect(logged(server).some((message) => message.startsWith("Running for"))).toBe(true);
    }, 5_000);
    const messages = logged(server);
    expect(messages.find((message) => message.startsWith("Running for"))).toMatch(
      /^Running for \d+ s in \d+ MB; 1 connections, 5 znodes$/,
    );
    expect(server.stderr).not.toContain("Debugger");
    expect(await client.create("/b", "")).toBe("/b");
  });
});

describe.runIf(testedKind === "ours")("the log of a start", () => {
  test("names the product, and where it serves", async () => {
    await using server = await ServerProcess.start();
    await vi.waitFor(
      () => expect(logged(server).at(-1)).toMatch(/^Serving on .*:\d+, data in .*; SIGTERM stops$/),
      5_000,
    );
    expect(
      logged(server).some((message) =>
        /^Nodekeeper \d+\.\d+\.\d+, a ZooKeeper 3\.9\.5 server, on Node\.js /.test(message),
      ),
    ).toBe(true);
  });

  test("that fails has its lines in their order", async () => {
    await using server = await ServerProcess.prepare({ settings: { dataDir: "/proc" } });
    expect(await startInVain(server)).toBe(3);
    expect(logged(server).slice(-2)).toEqual([
      "Unable to create data directory /proc/version-2",
      "Exiting JVM with code 3",
    ]);
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

  test.each([
    {
      name: "a dataDir that is a file",
      settings: { dataDir: "/etc/hostname" },
      code: 3,
      line: "/etc/hostname/version-2",
    },
    {
      name: "an address that nobody knows",
      settings: { clientPortAddress: "no such host" },
      code: 2,
      line: "clientPortAddress",
    },
  ])("on $name: exit code $code", async ({ settings, code, line }) => {
    await using server = await ServerProcess.prepare({ settings });
    expect(await startInVain(server)).toBe(code);
    if (testedKind === "ours") expect(errorLines(server)[0]).toContain(line);
  });

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
