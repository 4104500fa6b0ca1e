/**
 * The same writes, one after the other, played to a server of either build: what is left in its folder then differs in
 * times and session ids only, file by file and byte by byte of what a tool prints.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Build, subject, superUser, TestServer } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { auth, closeSession, create, flag } from "../wire/requests.ts";
import { Scene } from "../wire/scene.ts";
import { filesOf } from "./files.ts";
import { snapshotAt, zxidOf } from "./opening.ts";
import { extendedWrites, oneOfEach } from "./relay.ts";

/** How often every kind of write comes. */
const roundCount = 4;

export interface PlayOptions {
  readonly end: "stop" | "kill";
  readonly config: Readonly<Record<string, string | number>>;
  /** How often the writes are played, each time with a snapshot behind them; once by default. */
  readonly times?: number;
}

/** A data folder as a server left it. */
export interface Played {
  readonly build: Build;
  /** Holds `version-2`. */
  readonly dataFolder: string;
  /** The newest snapshot, which a start on that folder has written: it holds everything. */
  readonly snapshot: string;
  /** Every log, oldest first. */
  readonly logs: readonly string[];
  remove(): void;
}

/** Plays the same writes to both builds and removes what they left when `work` is done. */
export async function withBoth(
  options: PlayOptions,
  work: (ours: Played, reference: Played) => Promise<void>,
): Promise<void> {
  const both = await Promise.all([played(subject, options), played("reference", options)]);
  try {
    await work(both[0], both[1]);
  } finally {
    for (const one of both) one.remove();
  }
}

/** The same for the build under test alone. */
export async function withOurs(options: PlayOptions, work: (ours: Played) => Promise<void>): Promise<void> {
  const ours = await played(subject, options);
  try {
    await work(ours);
  } finally {
    ours.remove();
  }
}

/** What `print` makes of each of two. */
export async function ofEach<Item, Result>(
  both: readonly [Item, Item],
  print: (one: Item) => Promise<Result>,
): Promise<[found: Result, expected: Result]> {
  return Promise.all([print(both[0]), print(both[1])]);
}

/** Plays the writes, ends the server, and lets another one of its build start for a moment, for its snapshot. */
async function played(build: Build, options: PlayOptions): Promise<Played> {
  const folder = mkdtempSync(join(tmpdir(), "compat-played-"));
  const dataFolder = join(folder, "data");
  let snapshot = "";
  await timed(build, async () => {
    for (let time = 0; time < (options.times ?? 1); time++) {
      await withServer(build, folder, options, writeAll);
      await withServer(build, folder, options, async (server) => {
        const zxid = zxidOf(await server.fourLetterWord("srvr"));
        snapshot = join(dataFolder, "version-2", (await snapshotAt(dataFolder, zxid)).name);
      });
    }
  });
  return {
    build,
    dataFolder,
    snapshot,
    logs: filesOf(dataFolder, "log").map((name) => join(dataFolder, "version-2", name)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function withServer(
  build: Build,
  folder: string,
  { end, config }: PlayOptions,
  work: (server: TestServer) => Promise<void>,
): Promise<void> {
  const server = new TestServer(build, {
    folder,
    config: { extendedTypesEnabled: "true", ...config },
    properties: { "znode.container.checkIntervalMs": 3_600_000 },
  });
  try {
    await server.start();
    await work(server);
    await (end === "stop" ? server.stop() : server.kill());
  } finally {
    await server.kill();
  }
}

/** One write of every kind, several times; sessions that end, and some that are still open when the server ends. */
async function writeAll(server: TestServer): Promise<void> {
  const scene = await Scene.open(server.port);
  const a = await scene.actor("a");
  await a.ask(auth("digest", superUser));
  for (let round = 0; round < roundCount; round++) {
    await a.pipeline(oneOfEach(round));
    await a.pipeline(extendedWrites(round));
    const fleeting = await scene.actor("fleeting", { timeoutMs: 10_000 });
    await fleeting.pipeline([0, 1, 2].map((index) => create(`/fleeting-${index}`, { flags: flag.ephemeral })));
    await fleeting.ask(closeSession);
    await fleeting.untilClosed();
  }
  for (const timeoutMs of [20_000, 30_000]) {
    const lasting = await scene.actor("lasting", { timeoutMs });
    await lasting.ask(create(`/lasting-${timeoutMs}`, { flags: flag.ephemeral, data: "wide \u00e4\u20ac" }));
    await lasting.ask(create("/lasting-", { flags: flag.ephemeralSequential }));
  }
}
