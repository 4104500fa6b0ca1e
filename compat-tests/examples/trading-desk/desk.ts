/**
 * The desk as a stage: the actors, each a process of its own in one of three languages, and what the director of the story
 * can do to them and to the server. Nothing here waits for a time; it waits until somebody has said something.
 *
 * An actor says a line for each thing that it did or saw. Its first word tells the kind. Lines of the kinds `config` and
 * `trade` (a sequence that it follows) and `role` come from threads of their own, so their place among an actor's other lines
 * means nothing; the chapter's end sorts them apart. Within a kind the order is the actor's.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ClientProcess } from "../../reference/process.ts";
import type { TestServer } from "../../reference/server.ts";
import { orderRouter, python, quotes } from "./programs.ts";

type RouterName = "alpha" | "bravo" | "charlie";
type ReaderName = RouterName | "momentum" | "quotes" | "auditor";
export type ActorName = ReaderName | "risk desk" | "monitor";

export const routers: readonly RouterName[] = ["alpha", "bravo", "charlie"];
/** Everybody who takes changes and trades. The auditor comes last, when all is over. */
export const readers: readonly ReaderName[] = [...routers, "momentum", "quotes", "auditor"];
const names: readonly ActorName[] = ["risk desk", "monitor", ...readers];

/** Lines of one kind, and who said just these. */
export interface Said {
  readonly actors: readonly ActorName[];
  readonly lines: readonly string[];
}

const patienceMs = 60_000;
const sequenceKinds = ["config", "trade"] as const;

type Kind = (typeof sequenceKinds)[number];

/** One life of an actor. */
class Life {
  readonly process: ClientProcess;
  isPaused = false;
  /** Lines that the story has already told. */
  told = 0;

  constructor(process: ClientProcess) {
    this.process = process;
  }
}

export class Desk {
  /** `HOST:PORT/CHROOT`. */
  readonly hosts: string;
  /** The server, when it is ours to stop. */
  readonly server: TestServer | null;
  readonly #alive = new Map<ActorName, Life>();
  readonly #history = new Map<ActorName, string[]>();
  readonly #folder: string = mkdtempSync(join(tmpdir(), "trading-desk-"));
  #remarks: string[] = [];
  #untold = new Map<ActorName, string[]>();

  constructor(hosts: string, server: TestServer | null) {
    this.hosts = hosts;
    this.server = server;
  }

  /** Adds a line of the director's to the chapter. */
  remark(line: string): void {
    this.#remarks.push(line);
  }

  /** Starts an actor. One that lived before goes on with its journal, if it keeps one. */
  enter(name: ActorName): void {
    this.#alive.set(name, new Life(this.#start(name)));
  }

  #start(name: ActorName): ClientProcess {
    switch (name) {
      case "risk desk":
        return python("risk_desk", this.hosts);
      case "monitor":
        return python("monitor", this.hosts);
      case "momentum":
      case "auditor":
        return python("strategy", this.hosts, name, join(this.#folder, `${name}.journal`));
      case "quotes":
        return quotes(this.hosts, name);
      case "alpha":
      case "bravo":
        return orderRouter(this.hosts, name, 8);
      case "charlie":
        return orderRouter(this.hosts, name, 40);
    }
  }

  /** Gives an actor a command. */
  tell(name: ActorName, command: string): void {
    this.#life(name).process.write(command);
  }

  /** Waits until an actor has said, in this chapter, a line that begins so. */
  async until(name: ActorName, beginning: string): Promise<void> {
    const { process } = this.#life(name);
    if (this.hasSaid(name, beginning)) return;
    const found = process.line(() => this.hasSaid(name, beginning)).then(() => true);
    if (await Promise.race([found, delay(patienceMs, false, { ref: false })])) return;
    const recent = [...process.lines, ...process.errors].slice(-20).join("\n");
    throw new Error(`${name} never said "${beginning}". It said:\n${recent}`);
  }

  /** Gives a command and waits for its answer. */
  async ask(name: ActorName, command: string, answer: string): Promise<void> {
    this.tell(name, command);
    await this.until(name, answer);
  }

  /** Waits until the readers have taken the change or trade of that number: all who run, if none is named. */
  async untilTaken(kind: Kind, number: number, who: readonly ActorName[] = readers): Promise<void> {
    const name = `${kind.slice(0, 1)}-${String(number).padStart(10, "0")}`;
    for (const reader of who) {
      if (this.#alive.get(reader)?.isPaused === false) await this.until(reader, `${kind} ${name}`);
    }
  }

  /** True when an actor has said, in this chapter, a line that begins so. */
  hasSaid(name: ActorName, beginning: string): boolean {
    const { process, told } = this.#life(name);
    return process.lines.slice(told).some((line) => line.startsWith(beginning));
  }

  /** SIGKILL: the process is gone, its session is not. */
  async kill(name: ActorName): Promise<void> {
    const life = this.#life(name);
    life.process.kill();
    await life.process.end().catch(() => {});
    this.#tellRest(name, life);
    this.#alive.delete(name);
  }

  /** SIGSTOP: the process stands still between two instructions, as in a long garbage collection, and does not know it. */
  pause(name: ActorName): void {
    this.#life(name).process.signal("SIGSTOP");
    this.#life(name).isPaused = true;
  }

  /** SIGCONT. */
  resume(name: ActorName): void {
    this.#life(name).process.signal("SIGCONT");
    this.#life(name).isPaused = false;
  }

  /** The end of an actor's input, and then of its process, in good order. */
  async leave(name: ActorName): Promise<void> {
    const life = this.#life(name);
    life.process.endInput();
    await life.process.end();
    this.#tellRest(name, life);
    this.#alive.delete(name);
  }

  /** What was remarked and said since the last chapter's end; equal lines of one kind stand once, under all who said them. */
  endChapter(): { remarks: string[]; said: Said[] } {
    for (const [name, life] of this.#alive) this.#tellRest(name, life);
    const remarks = this.#remarks;
    const said = this.#untold;
    this.#remarks = [];
    this.#untold = new Map();
    const own = names.map((name) => ({ actors: [name], lines: ownLines(said.get(name) ?? []) }));
    const common = sequenceKinds.flatMap((kind) => grouped(said, kind));
    return { remarks, said: [...own.filter(({ lines }) => lines.length > 0), ...common] };
  }

  #tellRest(name: ActorName, life: Life): void {
    const lines = life.process.lines.slice(life.told);
    life.told += lines.length;
    if (lines.length === 0) return;
    this.#untold.set(name, [...(this.#untold.get(name) ?? []), ...lines]);
    this.#history.set(name, [...(this.#history.get(name) ?? []), ...lines]);
  }

  /** All that an actor has told, over all its lives. */
  history(name: ActorName): readonly string[] {
    return this.#history.get(name) ?? [];
  }

  /** Removes the desk's tree after a story that broke off; a server that went with it has nothing to remove. */
  async clear(): Promise<void> {
    if (this.server !== null) return;
    const cleaner = python("risk_desk", this.hosts);
    cleaner.write("clear");
    cleaner.endInput();
    await cleaner.end();
  }

  /** Ends every process that still runs. */
  dispose(): void {
    for (const { process } of this.#alive.values()) process.kill();
    this.#alive.clear();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #life(name: ActorName): Life {
    const life = this.#alive.get(name);
    if (life === undefined) throw new Error(`${name} is not there`);
    return life;
  }
}

function isOf(kind: string, line: string): boolean {
  return line.startsWith(`${kind} `);
}

const inOffice = "role primary";
const outOfOffice = "role standby";

/** What an actor says of itself: a router works between coming into office and leaving it. */
function ownLines(lines: readonly string[]): string[] {
  const own = lines.filter((line) => !sequenceKinds.some((kind) => isOf(kind, line)));
  const work = own.filter((line) => !isOf("role", line));
  return [
    ...own.filter((line) => line.startsWith(inOffice)),
    ...work,
    ...own.filter((line) => line.startsWith(outOfOffice)),
  ];
}

function grouped(said: ReadonlyMap<ActorName, readonly string[]>, kind: Kind): Said[] {
  const groups = new Map<string, Said>();
  for (const name of names) {
    const lines = (said.get(name) ?? []).filter((line) => isOf(kind, line));
    if (lines.length === 0) continue;
    const key = lines.join("\n");
    groups.set(key, { actors: [...(groups.get(key)?.actors ?? []), name], lines });
  }
  return [...groups.values()];
}
