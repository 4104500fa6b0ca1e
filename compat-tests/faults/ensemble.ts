/**
 * The ensemble that faults befall: members of ours, of the reference, or mixed, each a process, behind links that can be
 * ruled (links/links.ts). What is done to a member here is what can happen to it anywhere, and what its operator does then.
 *
 * Ticks are half a second and syncLimit is four of them: a member notices within two seconds that it hears nothing, so that
 * several faults find room in half a minute.
 */

import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errorCode } from "#base/errors.ts";
import type { ServerPlace } from "../../test/history/recording-client.ts";
import { type Build, fourLetterWord, TestServer } from "../reference/server.ts";
import { Links } from "./links/links.ts";

export interface EnsembleSettings {
  /** One for each member; server 1 is the first. */
  readonly builds: readonly Build[];
  readonly folder: string;
  /** Whether links can be ruled (links/links.ts, canMakeNetworks). */
  readonly isCuttable: boolean;
  /** Whether each data folder is a small file system of its own, which can be filled. */
  readonly hasSmallDisks: boolean;
  /** Whether members may come and go: each keeps its configuration as it is changed. */
  readonly isReconfigEnabled: boolean;
  /** After so many transactions a member takes a snapshot, and begins another log. */
  readonly snapCount: number;
}

const tickMs = 500;
const syncLimit = 4;
const config = { tickTime: tickMs, initLimit: 20, syncLimit, cnxTimeout: 1500 };
const smallDiskBytes = 24 * 1024 * 1024;
const wordTimeoutMs = 700;
const pollMs = 20;

/** How long a member that hears nothing from its leader goes on, and a leader that hears nothing from its quorum. */
export const unawareMs: number = (syncLimit + 1) * tickMs;

/** Twice a tick a leader hears which clients its learners have heard of. */
export const reportMs: number = tickMs / 2;

const mounted = new Set<string>();
process.on("exit", unmountAll);

export class Ensemble {
  readonly links: Links;
  /** Why members of ours ended that nobody had ended: what should not be. */
  readonly unexpectedEnds: string[] = [];
  readonly #settings: EnsembleSettings;
  readonly #members: readonly TestServer[];
  /** Members that are to run: those that nobody has killed, filled up or damaged. */
  readonly #wanted = new Set<number>();
  readonly #outOfTouchUntilMs = new Map<number, number>();
  /** Digests that were not the transaction's, of each member's processes that were ended. */
  readonly #digestMismatches: number[];
  #archives = 0;

  private constructor(settings: EnsembleSettings, links: Links) {
    this.links = links;
    this.#settings = settings;
    this.#digestMismatches = settings.builds.map(() => 0);
    const lines = links.places.map(({ host, quorumPort, electionPort }, i) => {
      return [`server.${i + 1}`, `${host}:${quorumPort}:${electionPort}`];
    });
    this.#members = settings.builds.map((build, i) => {
      const { host, clientPort, reachedAt } = links.places[i]!;
      const member = new TestServer(build, {
        folder: join(settings.folder, `server-${i + 1}`),
        config: {
          ...config,
          snapCount: settings.snapCount,
          clientPort,
          clientPortAddress: host,
          ...(settings.isReconfigEnabled ? { reconfigEnabled: "true" } : {}),
          ...Object.fromEntries(lines),
        },
        isConfigKept: settings.isReconfigEnabled,
        wordsBefore: links.wordsInto(i + 1),
      });
      member.port = reachedAt;
      return member;
    });
  }

  /** All members, serving. */
  static async start(settings: EnsembleSettings): Promise<Ensemble> {
    const { folder, builds, isCuttable } = settings;
    const links = await Links.open(join(folder, "links"), builds.length, isCuttable);
    const ensemble = new Ensemble(settings, links);
    try {
      for (const sid of ensemble.sids) ensemble.#prepare(sid);
      await ensemble.launch(...ensemble.sids);
      await ensemble.untilServing(ensemble.sids);
      return ensemble;
    } catch (error) {
      await ensemble.dispose();
      throw error;
    }
  }

  get sids(): number[] {
    return this.#members.map((_, i) => i + 1);
  }

  /** How long it may take until all members serve, once nothing keeps them from it. */
  get patienceMs(): number {
    return this.#settings.builds.includes("reference") ? 60_000 : 30_000;
  }

  get places(): ServerPlace[] {
    return this.sids.map((sid) => ({ name: String(sid), host: "127.0.0.1", port: this.member(sid).port }));
  }

  member(sid: number): TestServer {
    return this.#members[sid - 1]!;
  }

  isOurs(sid: number): boolean {
    return this.member(sid).build === "ours";
  }

  othersThan(...sids: readonly number[]): number[] {
    return this.sids.filter((sid) => !sids.includes(sid));
  }

  async launch(...sids: readonly number[]): Promise<void> {
    for (const sid of sids) {
      this.#wanted.add(sid);
      await this.member(sid).launch();
    }
  }

  async kill(...sids: readonly number[]): Promise<void> {
    for (const sid of sids) this.#wanted.delete(sid);
    await Promise.all(sids.map((sid) => this.#countMismatches(sid)));
    await Promise.all(sids.map((sid) => this.member(sid).kill()));
  }

  /** Ends them in order. */
  async stop(...sids: readonly number[]): Promise<void> {
    for (const sid of sids) this.#wanted.delete(sid);
    await Promise.all(sids.map((sid) => this.#countMismatches(sid)));
    await Promise.all(sids.map((sid) => this.member(sid).stop()));
  }

  /** It may end itself from now on. */
  expectEnd(sid: number): void {
    this.#wanted.delete(sid);
  }

  /** It has no reason to end itself any more. */
  expectLife(sid: number): void {
    this.#wanted.add(sid);
  }

  async pause(...sids: readonly number[]): Promise<void> {
    for (const sid of sids) this.#outOfTouchUntilMs.set(sid, Number.POSITIVE_INFINITY);
    await Promise.all(sids.map((sid) => this.member(sid).pause()));
  }

  resume(...sids: readonly number[]): void {
    for (const sid of sids) {
      this.member(sid).resume();
      // Woken up, it answers first and asks for its leader later.
      this.#outOfTouchUntilMs.set(sid, Date.now() + unawareMs);
    }
  }

  /** Whether that member may have been without its leader then, and not have known. */
  wasOutOfTouch(name: string, atMs: number): boolean {
    return (this.#outOfTouchUntilMs.get(Number(name)) ?? 0) > atMs;
  }

  /** `leader`, `follower`; null while it serves nobody. */
  async modeOf(sid: number): Promise<string | null> {
    if (!this.member(sid).isRunning) return null;
    const answer = await fourLetterWord(this.member(sid).port, "srvr", wordTimeoutMs).catch(() => "");
    return /^Mode: (\w+)$/m.exec(answer)?.[1] ?? null;
  }

  /** Digests that were not the transaction's: what each member counts, and had counted whenever it was ended. NaN of one that is silent. */
  async digestMismatches(): Promise<number[]> {
    const counts = await Promise.all(this.sids.map((sid) => this.#mismatchesOf(sid)));
    return counts.map((count, i) => count + this.#digestMismatches[i]!);
  }

  /** A member's count ends with its process. One that does not serve is not asked twice. */
  async #countMismatches(sid: number): Promise<void> {
    const count = await this.#mismatchesOf(sid);
    if (!Number.isNaN(count)) this.#digestMismatches[sid - 1]! += count;
  }

  async #mismatchesOf(sid: number): Promise<number> {
    return this.member(sid).isRunning ? this.#valueOf(sid, "zk_digest_mismatches_count") : Number.NaN;
  }

  /** What the member's mntr says of it; NaN where it says nothing. */
  async #valueOf(sid: number, name: string): Promise<number> {
    const answer = await fourLetterWord(this.member(sid).port, "mntr", wordTimeoutMs).catch(() => "");
    return Number(new RegExp(`^${name}\\t(\\d+)$`, "m").exec(answer)?.[1] ?? Number.NaN);
  }

  /** Waits until no member knows of a session: who has left without a word is given up, and the ephemerals are gone. */
  async untilSessionless(): Promise<void> {
    await this.#until("sessions of clients that have left do not end", async () => {
      const counts = await Promise.all(this.sids.map((sid) => this.#valueOf(sid, "zk_global_sessions")));
      return counts.every((count) => count === 0) ? true : null;
    });
  }

  async leader(): Promise<number> {
    return this.#until("nobody leads", async () => {
      for (const sid of this.sids) if ((await this.modeOf(sid)) === "leader") return sid;
      return null;
    });
  }

  /** Waits until all of them serve under one leader. @returns how long it took. @throws Error when it takes too long. */
  async untilServing(sids: readonly number[]): Promise<number> {
    const sinceMs = Date.now();
    await this.#until(`servers ${sids.join(", ")} do not serve`, async () => {
      const modes = await Promise.all(sids.map((sid) => this.modeOf(sid)));
      return modes.includes(null) || modes.filter((mode) => mode === "leader").length !== 1 ? null : true;
    });
    return Date.now() - sinceMs;
  }

  /** Waits until a member has ended. @returns its exit code, or null when it goes on for so long. */
  async untilEnded(sid: number, withinMs: number): Promise<number | null> {
    const member = this.member(sid);
    for (const deadline = Date.now() + withinMs; member.isRunning; await delay(pollMs)) {
      if (Date.now() > deadline) return null;
    }
    return member.exitCode;
  }

  /** Looks for members that have ended though nobody ended them, and starts those of the reference again; keeps all logs. */
  async watch(): Promise<void> {
    for (const sid of this.sids) this.#keepLogs(sid);
    for (const sid of this.#wanted) {
      const member = this.member(sid);
      if (member.isRunning) continue;
      if (this.isOurs(sid)) {
        this.#wanted.delete(sid);
        this.unexpectedEnds.push(`server ${sid} has ended by itself, exit code ${member.exitCode}`);
      } else await member.launch();
    }
  }

  outputOf(sid: number): string {
    return readFileSync(this.member(sid).outputFile, "utf8");
  }

  writeMyid(sid: number): void {
    writeFileSync(join(this.member(sid).dataFolder, "myid"), `${sid}\n`);
  }

  versionFolder(sid: number): string {
    return join(this.member(sid).dataFolder, "version-2");
  }

  /** Keeps a copy of a member's files: transactions that it alone still had, before they are damaged. */
  archive(sid: number): void {
    const target = join(this.#settings.folder, "archive", `${++this.#archives}-server-${sid}`);
    cpSync(this.versionFolder(sid), join(target, "version-2"), { recursive: true });
  }

  /**
   * What the README says of a member whose files are damaged: they are moved away, and it starts without a vote, until the leader
   * has given it everything.
   */
  rejoin(sid: number): void {
    this.archive(sid);
    const folder = this.versionFolder(sid);
    renameSync(folder, `${folder}-aside-${this.#archives}`);
    mkdirSync(folder);
    writeFileSync(join(folder, "rejoin"), "");
  }

  /** Fills its small file system to the last byte. */
  fillDisk(sid: number): void {
    const filler = openSync(join(this.member(sid).dataFolder, "filler"), "w");
    try {
      for (;;) writeSync(filler, Buffer.alloc(4096));
    } catch (error) {
      if (errorCode(error) !== "ENOSPC") throw error;
    } finally {
      closeSync(filler);
    }
  }

  freeDisk(sid: number): void {
    const filler = join(this.member(sid).dataFolder, "filler");
    rmSync(filler, { force: true });
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.kill()));
    this.links.close();
  }

  /** A tree that comes whole takes the place of all logs, and sooner or later every member is sent one: another name keeps them. */
  #keepLogs(sid: number): void {
    const from = this.versionFolder(sid);
    const to = join(this.member(sid).dataFolder, "kept", "version-2");
    mkdirSync(to, { recursive: true });
    for (const name of existsSync(from) ? readdirSync(from) : []) {
      if (!name.startsWith("log.")) continue;
      try {
        const kept = join(to, `${name}.${statSync(join(from, name)).ino}`);
        if (!existsSync(kept)) linkSync(join(from, name), kept);
      } catch (error) {
        // It went between two of these calls.
        if (errorCode(error) !== "ENOENT") throw error;
      }
    }
  }

  #prepare(sid: number): void {
    const { dataFolder } = this.member(sid);
    mkdirSync(dataFolder, { recursive: true });
    if (this.#settings.hasSmallDisks) {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${smallDiskBytes}`, "tmpfs", dataFolder]);
      mounted.add(dataFolder);
    }
    this.writeMyid(sid);
  }

  async #until<Value>(otherwise: string, look: () => Promise<Value | null>): Promise<Value> {
    for (const deadline = Date.now() + this.patienceMs; ; await delay(pollMs)) {
      const found = await look();
      if (found !== null) return found;
      if (Date.now() > deadline) throw new Error(`${otherwise} within ${this.patienceMs} ms`);
    }
  }
}

/** Takes the small file systems away, and all that is in them. */
export function unmountAll(): void {
  for (const folder of mounted) execFileSync("umount", ["--lazy", folder]);
  mounted.clear();
}

/** Whether this process may make file systems. */
export function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "faults-mount-"));
  const isMounted = spawnSync("mount", ["-t", "tmpfs", "tmpfs", folder], { stdio: "ignore" }).status === 0;
  if (isMounted) execFileSync("umount", [folder]);
  rmdirSync(folder);
  return isMounted;
}
