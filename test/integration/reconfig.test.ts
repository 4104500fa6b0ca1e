/**
 * Members of a running ensemble that come, go and move, with processes, files and sockets as they are. What may be changed when,
 * and what is lost by whom, is the simulator's affair.
 */

import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { EnsembleProcess } from "../support/ensemble-process.ts";
import { freePort } from "../support/free-port.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { type ReconfigWords, WireClient } from "../support/wire-client.ts";

const noAuth = -102;
const patienceMs = 30_000;

/** Asks for a change. @returns the error of the reply, or null when the connection ended before it. */
async function change(server: ServerProcess, words: ReconfigWords): Promise<number | null> {
  using client = await WireClient.connect(server.port);
  const reply = await client.reconfig(words).catch(() => null);
  return reply?.err ?? null;
}

async function configOf(server: ServerProcess): Promise<string> {
  using client = await WireClient.connect(server.port);
  return await client.config(); // or it would be dropped before the answer
}

/** Waits until all of them serve a configuration of which that holds. */
async function agree(servers: readonly ServerProcess[], holds: (text: string) => boolean): Promise<string> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const texts = await Promise.all(servers.map((server) => configOf(server).catch(() => "")));
    if (new Set(texts).size === 1 && texts[0] !== "" && holds(texts[0]!)) return texts[0]!;
    if (Date.now() > deadline) throw new Error(`no agreement:\n${texts.join("\n--\n")}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function lineOf(ensemble: EnsembleProcess, sid: number, clientPort = ensemble.servers[sid - 1]!.port): string {
  const { quorum, election } = ensemble.quorumPorts[sid - 1]!;
  return `server.${sid}=127.0.0.1:${quorum}:${election}:participant;127.0.0.1:${clientPort}`;
}

/** Connects to a port, once. */
async function reached(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
}

function filesOf({ folder }: ServerProcess): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith("zoo.cfg"))
    .toSorted();
}

const settings = { reconfigEnabled: "true", skipACL: "yes" };
const kinds = ["ours", "ours", "ours", "ours"] as const;

describe("an ensemble whose members may change", () => {
  test("lets a server join, goes on without its leader, and starts again as it was", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds, spares: 1, settings });
    const [one, two, , four] = ensemble.servers as [ServerProcess, ServerProcess, ServerProcess, ServerProcess];
    const first = await agree(ensemble.servers, (text) => text.endsWith("version=100000000"));
    expect(first.split("\n")).toHaveLength(4);
    expect(filesOf(one)).toEqual(["zoo.cfg", "zoo.cfg.bak", "zoo.cfg.dynamic.100000000"]);
    expect(await ensemble.modeOf(four)).toBe("follower");

    const leader = await ensemble.leader();
    const leaderSid = ensemble.servers.indexOf(leader) + 1;
    const other = leader === one ? two : one;
    expect(await change(other, { joining: lineOf(ensemble, 4) })).toBe(0);
    await agree(ensemble.servers, (text) => text.includes("server.4="));
    await change(other, { leaving: String(leaderSid) });
    const others = ensemble.servers.filter((server) => server !== leader);
    const text = await agree(others, (config) => !config.includes(`server.${leaderSid}=`));
    expect(await ensemble.leader()).not.toBe(leader);
    using client = await WireClient.connect(four.port);
    await client.create("/still-here");

    for (const server of ensemble.servers) await server.stop();
    for (const server of others) server.launch();
    await ensemble.settled();
    expect(await agree(others, () => true)).toBe(text);
    const version = /version=(\w+)$/.exec(text)![1]!;
    for (const server of others) {
      expect(readFileSync(server.configPath, "utf8")).toContain(
        `dynamicConfigFile=${server.configPath}.dynamic.${version}`,
      );
      expect(existsSync(`${server.configPath}.dynamic.next`)).toBe(false);
    }
  });

  test("moves a server's client port while connections stay", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds: kinds.slice(1), settings });
    const [one, two] = ensemble.servers as [ServerProcess, ServerProcess];
    using before = await WireClient.connect(one.port);
    const port = await freePort();
    expect(await change(two, { joining: lineOf(ensemble, 1, port) })).toBe(0);
    await agree([two], (text) => text.includes(String(port)));
    await before.sync("/");
    expect((await before.getData("/zookeeper/config")).data?.toString()).toContain(String(port));
    using moved = await WireClient.connect(port);
    await moved.create("/here");
    await expect(WireClient.connect(one.port)).rejects.toThrow("ECONNREFUSED");
  });

  test("gives up its client port for one that is taken, and comes back to it", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds: kinds.slice(1), settings });
    const [one, two, three] = ensemble.servers as [ServerProcess, ServerProcess, ServerProcess];
    const taken = await freePort();
    await using stranger = createServer().listen(taken, "127.0.0.1");
    await once(stranger, "listening");
    expect(await change(two, { joining: lineOf(ensemble, 1, taken) })).toBe(0);
    await vi.waitFor(() => expect(WireClient.connect(one.port)).rejects.toThrow("ECONNREFUSED"));
    expect(await change(two, { joining: lineOf(ensemble, 1) })).toBe(0);
    await agree([two, three], (text) => text.includes(String(one.port)));
    await vi.waitFor(async () => {
      using back = await WireClient.connect(one.port);
      await back.sync("/");
    });
  });

  test("moves a server's election port", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds: kinds.slice(1), settings });
    const [one, two] = ensemble.servers as [ServerProcess, ServerProcess];
    const { election } = ensemble.quorumPorts[0]!;
    const port = await freePort();
    expect(await change(two, { joining: lineOf(ensemble, 1).replace(`:${election}:`, `:${port}:`) })).toBe(0);
    await vi.waitFor(() => reached(port));
    await expect(reached(election)).rejects.toThrow("ECONNREFUSED");
    await vi.waitFor(() => configOf(one));
  });

  test("ends a server whose election port is to be where somebody else is", async () => {
    await using ensemble = await EnsembleProcess.start({
      kinds: kinds.slice(1),
      settings: { ...settings, electionPortBindRetry: 2 },
    });
    const [one, two] = ensemble.servers as [ServerProcess, ServerProcess];
    const { election } = ensemble.quorumPorts[0]!;
    await using stranger = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    await once(stranger, "listening");
    const taken = (stranger.address() as AddressInfo).port;
    expect(await change(two, { joining: lineOf(ensemble, 1).replace(`:${election}:`, `:${taken}:`) })).toBe(0);
    expect(await one.exited).toMatchObject({ code: 14 });
    expect(one.stdout).toContain(`Exception while listening to the election port at /127.0.0.1:${taken}`);
    one.launch();
    expect(await one.exited).toMatchObject({ code: 14 });
    expect(one.stderr).toContain(`Exception while listening to the election port at /127.0.0.1:${taken}`);
    expect(one.stderr).toContain("; myid says that this is server 1\n");
  });

  test("refuses what would leave no quorum, and what is of another version, and the leader's log says why", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds: kinds.slice(1), settings });
    const [any] = ensemble.servers;
    const nobody = [4, 5, 6]
      .map((sid) => `server.${sid}=127.0.0.1:${sid}:1${sid}:participant;127.0.0.1:2${sid}`)
      .join();
    expect(await change(any!, { joining: nobody })).toBe(-13);
    expect(await change(any!, { leaving: "9" })).toBe(0);
    expect(await change(any!, { leaving: "2", version: 7n })).toBe(-103);
    const { stdout } = await ensemble.leader();
    expect(stdout).toContain("there must be a connected and synced quorum in new configuration");
    expect(stdout).toContain("Reconfiguration from version 7 failed");
  });

  test("asks who wants to change them", async () => {
    await using ensemble = await EnsembleProcess.start({
      kinds: kinds.slice(1),
      settings: { reconfigEnabled: "true" },
    });
    expect(await change(ensemble.servers[0]!, { leaving: "3" })).toBe(noAuth);
  });

  test("says that they may not change where that is so", async () => {
    await using ensemble = await EnsembleProcess.start({ kinds: kinds.slice(1), settings: { skipACL: "yes" } });
    expect(await change(ensemble.servers[0]!, { leaving: "3" })).toBe(-123);
    expect(filesOf(ensemble.servers[0]!)).toEqual(["zoo.cfg"]);
  });
});
