/**
 * The scenarios that every client plays, and how they are compared. README.md beside this file says what each is about.
 *
 * A client is a small program, in its own language on its own library, that plays one scenario against one server and
 * prints what it sees, one JSON value a line. Each scenario is played to both builds, on a fresh server each; then the
 * two traces must be the same text. What two runs of one server differ in is masked here and not by the programs, so that
 * no program can mask too much:
 *
 *   czxid, mzxid, pzxid, zxid     their rank among all zxids of the trace: order and equality count
 *   ctime, mtime                  "T" for any time of this run
 *   ephemeralOwner, sessionId     "S1", "S2", ... in the order of appearance
 *
 * A program that needs the server to be stopped or killed prints `{"ask": "..."}` and waits for a line on its input.
 */

import { beforeAll, expect, test } from "vitest";
import type { ClientProcess } from "../reference/process.ts";
import { type Build, type ServerSettings, subject, TestServer } from "../reference/server.ts";
import { reportCases, timed } from "../reporting/cases.ts";
import { isShort } from "../shard.ts";
import { whyNotPlayed } from "../reporting/expectations.ts";

/** Containers and TTL znodes go within a second, so that a scenario can wait for it. */
const quickReaper = { "znode.container.checkIntervalMs": 500 };

/** Every scenario and the settings it needs of both servers. */
export const scenarios: Readonly<Record<string, Omit<ServerSettings, "folder">>> = {
  crud: {},
  "create-modes": { config: { extendedTypesEnabled: "true" } },
  multi: {},
  acl: {},
  watches: {},
  "watch-order": {},
  "session-end": {},
  "session-expiry": { config: { tickTime: 500 } },
  "session-move": {},
  restart: {},
  crash: {},
  chroot: {},
  "ttl-and-containers": { config: { extendedTypesEnabled: "true" }, properties: quickReaper },
  quotas: { config: { enforceQuota: "true" } },
  "large-data": {},
  unicode: {},
  "many-children": {},
};

const briefEvery = 4;
const nobodysPort = 1;
const preparationMs = 600_000;

export interface ScenarioClient {
  /** As in the report and in expectations.json: `kazoo 2.8.0`. */
  readonly name: string;
  /** `--shard ci` leaves most scenarios to another release of it. */
  readonly isBriefInShort?: boolean;
  /** Starts the program for a scenario against a server. */
  start(port: number, scenario: string): ClientProcess;
}

/**
 * One test for each scenario that the client can play; the others are reported with their reason.
 * `more` are scenarios of this client alone: recipes that its library brings.
 */
export function playScenarios(client: ScenarioClient, more: typeof scenarios = {}): void {
  // A program that is started for the first time is fetched and compiled, and nothing else runs here meanwhile. It is
  // started once for nothing, lest that time be taken for a server's that does not begin to serve.
  beforeAll(() => client.start(nobodysPort, "none").kill(), preparationMs);
  const all = Object.entries({ ...scenarios, ...more });
  const played = isShort && client.isBriefInShort === true ? all.filter((_, i) => i % briefEvery === 0) : all;
  for (const [scenario, settings] of played) {
    const excluded = whyNotPlayed(client.name, scenario);
    if (excluded !== null) {
      test(`${client.name}, ${scenario}: left out`, ({ task }) => {
        reportCases(task, [{ name: scenario, ours: "not run", reference: "not run", excluded }]);
      });
      continue;
    }
    test(`${client.name} sees the same of both servers: ${scenario}`, async () => {
      const { expected, found } = await playToBoth(client, scenario, settings);
      expect(expected.length).toBeGreaterThan(1);
      expect(found).toEqual(expected);
    });
  }
}

/**
 * Plays one scenario to both builds at once. A 3.9.5 now and then leaves a handshake unanswered, and its client gives up, or lets a
 * session expire while it starts: it is played to again where it failed or was told otherwise than ours, once.
 * @returns the masked traces of the reference and of ours.
 */
export async function playToBoth(
  client: ScenarioClient,
  scenario: string,
  settings: ServerSettings,
): Promise<{ expected: string[]; found: string[] }> {
  const [expected, found] = await Promise.all([
    play("reference", client, scenario, settings).catch(() => null),
    play(subject, client, scenario, settings),
  ]);
  if (expected?.join("\n") === found.join("\n")) return { expected, found };
  return { expected: await play("reference", client, scenario, settings), found };
}

/** Plays one scenario to one server, a fresh one. */
async function play(
  build: Build,
  client: ScenarioClient,
  scenario: string,
  settings: ServerSettings,
): Promise<string[]> {
  return timed(build, async () => {
    const server = await new TestServer(build, settings).start();
    const program = client.start(server.port, scenario);
    try {
      return masked(await traceOf(program, (wish) => fulfil(wish, server)));
    } finally {
      program.kill();
      await server.dispose();
    }
  });
}

/** What the program printed, its wishes fulfilled. */
export async function traceOf(program: ClientProcess, fulfilWish: (wish: string) => Promise<void>): Promise<unknown[]> {
  const trace: unknown[] = [];
  for (let index = 0; ; index++) {
    const line = await program.lineAt(index);
    if (line === null) break;
    const value: unknown = JSON.parse(line);
    trace.push(value);
    const wish = wishOf(value);
    if (wish === null) continue;
    await fulfilWish(wish);
    program.write("done");
  }
  await program.end();
  return trace;
}

function wishOf(value: unknown): string | null {
  if (typeof value !== "object" || value === null || !("ask" in value)) return null;
  return String(value.ask);
}

/** Does to the server what a program asked for. */
export async function fulfil(wish: string, server: TestServer): Promise<void> {
  if (wish === "stop" || wish === "restart") await server.stop();
  else if (wish === "kill" || wish === "crash") await server.kill();
  else if (wish !== "start") throw new Error(`the program asks for "${wish}": restart, crash, stop, kill or start`);
  if (wish !== "stop" && wish !== "kill") await server.start();
}

const zxidKeys = new Set(["czxid", "mzxid", "pzxid", "zxid"]);
const timeKeys = new Set(["ctime", "mtime"]);
const sessionKeys = new Set(["ephemeralOwner", "sessionId"]);

/** The trace with masks, a line of JSON for each value. */
export function masked(trace: readonly unknown[]): string[] {
  const zxids = new Set<number>();
  JSON.stringify(trace, (key, value: unknown) => {
    if (zxidKeys.has(key) && typeof value === "number" && value > 0) zxids.add(value);
    return value;
  });
  const ranks = new Map([...zxids].sort((a, b) => a - b).map((zxid, index) => [zxid, `Z${index + 1}`]));
  const sessions = new Map<string, string>();
  const nowMs = Date.now();
  return trace.map((line) =>
    JSON.stringify(line, (key, value: unknown) => {
      if (zxidKeys.has(key) && typeof value === "number") return ranks.get(value) ?? value;
      if (timeKeys.has(key)) return Math.abs(Number(value) - nowMs) < 600_000 ? "T" : value;
      if (sessionKeys.has(key) && typeof value === "string" && !/^(0x)?0$/.test(value)) {
        const name = sessions.get(value) ?? `S${sessions.size + 1}`;
        sessions.set(value, name);
        return name;
      }
      return value;
    }),
  );
}
