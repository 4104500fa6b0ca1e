/**
 * Disks that fill up, and files that change behind their member's back: a bit of a log or of a snapshot is flipped, a file ends
 * early, all files are gone, or are what they were some time ago. A flipped bit in `myid` makes a member somebody else.
 *
 * ZooKeeper's promise is for members that forget nothing, so damage is kept to what an ensemble can bear: one member at a time, when it is
 * down and all others together have everything. Ours either serves what it finds, which is then a prefix of what it had, or says
 * which file is damaged and how to rejoin; the nemesis then does what its operator would (README, "Moving an ensemble"). The
 * reference may start with less than it had acknowledged, and say nothing, so in a mixture only members of ours are struck.
 */

import { closeSync, cpSync, openSync, readdirSync, readFileSync, rmSync, truncateSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Nemesis, shuffled, type Stage } from "./nemesis.ts";

type Kind = "log" | "snapshot";
const epochFiles = ["acceptedEpoch", "currentEpoch"];

/** How long a member may go on with a disk that has no room. */
const fullMs = 8_000;
/** The log could not be written, or a snapshot could not. */
const diskExitCodes: ReadonlySet<number | null> = new Set([1, 10]);
const logHeaderBytes = 16;
const allBits = [0, 1, 2, 3, 4, 5, 6, 7];

async function fill({ ensemble, dice, say }: Stage): Promise<void> {
  const victim = dice.pick(ensemble.sids);
  say(`fill the disk of ${victim}`);
  ensemble.expectEnd(victim);
  ensemble.fillDisk(victim);
  const code = await ensemble.untilEnded(victim, fullMs);
  const { isRunning } = ensemble.member(victim);
  say(isRunning ? `${victim} goes on` : `${victim} has ended itself, exit code ${code}`);
  if (!isRunning && ensemble.isOurs(victim) && !diskExitCodes.has(code)) {
    ensemble.unexpectedEnds.push(`server ${victim} ended with ${code} when its disk was full`);
  }
  say(`free the disk of ${victim}`);
  ensemble.freeDisk(victim);
  if (isRunning) {
    // What it could not write it has not acknowledged: its operator makes sure of a clean start.
    await ensemble.kill(victim);
  }
  await ensemble.launch(victim);
}

interface Remedy {
  /** What a member says of damage that it does not go on with; null when that is not enough for its operator. */
  readonly reasonIn: (output: string) => string | null;
  readonly apply: (stage: Stage, sid: number) => Promise<void>;
}

/** Of a snapshot without its end ours says no offset: it may be one that was never completed. */
const byRejoining: Remedy = {
  reasonIn: (output) =>
    output.includes("rejoin") ? firstMatch(/\S+: damaged at offset \d+|Invalid snapshot [\w.]+/, output) : null,
  apply: rejoin,
};

const byItsNumber: Remedy = {
  reasonIn: (output) => firstMatch(/\S+\/myid.* valid is .*|myid says that this is server \d+/, output),
  apply: async ({ ensemble, say }, sid) => {
    say(`${sid} has its number back`);
    ensemble.writeMyid(sid);
    await ensemble.launch(sid);
  },
};

function firstMatch(pattern: RegExp, text: string): string | null {
  return pattern.exec(text)?.[0] ?? null;
}

/** Stops a member, has its files changed, and starts it again, as often as its operator has to. */
async function damage(
  stage: Stage,
  victim: number,
  change: (folder: string) => string,
  remedy: Remedy = byRejoining,
): Promise<void> {
  const { ensemble, dice, say } = stage;
  say(`kill ${victim}`);
  await ensemble.kill(victim);
  // Under one leader: what any of them had committed all of them have.
  await ensemble.untilServing(ensemble.othersThan(victim));
  await delay(dice.below(1_000));
  await ensemble.untilServing(ensemble.othersThan(victim));
  ensemble.archive(victim);
  say(`${victim}: ${change(ensemble.versionFolder(victim))}`);
  const said = ensemble.outputOf(victim).length;
  await ensemble.launch(victim);
  ensemble.expectEnd(victim);
  if (await servesOrEnds(stage, victim)) {
    say(`${victim} serves`);
    ensemble.expectLife(victim);
    return;
  }
  const output = ensemble.outputOf(victim).slice(said);
  const reason = remedy.reasonIn(output);
  say(`${victim} refuses: ${reason ?? output.slice(-300)}`);
  if (reason === null) {
    ensemble.unexpectedEnds.push(`server ${victim} refuses without file and advice: ${output.slice(-300)}`);
  }
  await remedy.apply(stage, victim);
}

async function rejoin({ ensemble, say }: Stage, sid: number): Promise<void> {
  say(`${sid} rejoins without its files`);
  ensemble.rejoin(sid);
  await ensemble.launch(sid);
}

/** Whether it has come to serve, rather than to its end. */
async function servesOrEnds({ ensemble }: Stage, sid: number): Promise<boolean> {
  for (const deadline = Date.now() + ensemble.patienceMs; Date.now() < deadline; await delay(50)) {
    if ((await ensemble.modeOf(sid)) !== null) return true;
    if (!ensemble.member(sid).isRunning) return false;
  }
  throw new Error(`server ${sid} neither serves nor ends`);
}

function anyOfOurs({ ensemble, dice }: Stage): number {
  return dice.pick(ensemble.sids.filter((sid) => ensemble.isOurs(sid)));
}

async function wipe(stage: Stage): Promise<void> {
  const { ensemble, dice, say } = stage;
  const victim = anyOfOurs(stage);
  say(`kill ${victim}`);
  await ensemble.kill(victim);
  await delay(dice.skewed(2_000));
  await rejoin(stage, victim);
}

/** A backup of a member's files is put back when the ensemble has moved on. */
async function restore(stage: Stage): Promise<void> {
  const { ensemble, dice, say } = stage;
  const victim = anyOfOurs(stage);
  const backup = `${ensemble.versionFolder(victim)}-backup`;
  say(`kill ${victim}, and keep its files`);
  await ensemble.kill(victim);
  cpSync(ensemble.versionFolder(victim), backup, { recursive: true });
  await ensemble.launch(victim);
  await ensemble.untilServing(ensemble.sids);
  await delay(dice.below(2_000));
  await damage(stage, victim, (folder) => {
    rmSync(folder, { recursive: true });
    cpSync(backup, folder, { recursive: true });
    rmSync(backup, { recursive: true });
    return "an old backup";
  });
}

/** Flips a bit in one or two files of each kind. @returns what was done. */
function flip({ dice }: Stage, folder: string, kinds: readonly Kind[]): string {
  const names = kinds.flatMap((kind) => chosen(folder, kind, { dice }));
  return (
    names.map((name) => flipIn(join(folder, name), { dice, fromBytes: logHeaderBytes })).join(", ") || "nothing to flip"
  );
}

interface Flip extends Pick<Stage, "dice"> {
  readonly fromBytes?: number;
  /** Which bits of a byte, 0 the lowest. */
  readonly bits?: readonly number[];
}

/**
 * A digit may become another one, and nobody can see that: a member that seems to have accepted a later epoch is taken back by a
 * leader of ours, and never by 3.9.5's. Where there is one of those it becomes something else than a digit.
 */
function bitsOfEpochs({ ensemble }: Stage): readonly number[] {
  return ensemble.sids.every((sid) => ensemble.isOurs(sid)) ? allBits : [5, 6, 7];
}

function flipIn(path: string, { dice, fromBytes = 0, bits = allBits }: Flip): string {
  const name = basename(path);
  const length = usedBytes(path);
  if (length <= fromBytes) return `${name} is empty`;
  const at = fromBytes + dice.below(length - fromBytes);
  const bytes = readFileSync(path);
  const file = openSync(path, "r+");
  writeSync(file, Buffer.from([bytes[at]! ^ (1 << dice.pick(bits))]), 0, 1, at);
  closeSync(file);
  return `${name} flipped at ${at}`;
}

function truncate({ dice }: Stage, folder: string): string {
  const kind = dice.pick<Kind>(["log", "log", "snapshot"]);
  const [name] = chosen(folder, kind, { dice });
  if (name === undefined) return "nothing to truncate";
  const length = dice.below(usedBytes(join(folder, name)) + 1);
  truncateSync(join(folder, name), length);
  return `${name} truncated to ${length}`;
}

/** One file of the kind, the newest as often as all others; or two. */
function chosen(folder: string, kind: Kind, { dice }: Pick<Stage, "dice">): string[] {
  const names = readdirSync(folder).filter((name) => name.startsWith(`${kind}.`));
  const newest = names.toSorted((a, b) => zxidOf(a) - zxidOf(b)).at(-1);
  if (newest === undefined) return [];
  if (dice.oneIn(2)) return [newest];
  return shuffled(names, dice).slice(0, 1 + dice.below(2));
}

function zxidOf(name: string): number {
  return Number.parseInt(name.slice(name.indexOf(".") + 1), 16);
}

/** Without the zeros at its end. */
function usedBytes(path: string): number {
  const bytes = readFileSync(path);
  let { length } = bytes;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return length;
}

export const fileNemeses: readonly Nemesis[] = [
  {
    name: "full-disk",
    about: "a member's file system is full, and has room again",
    needs: "small disks",
    leavesOldLeaders: false,
    strike: fill,
  },
  flips("flip-logs", "a bit of a member's logs is flipped", ["log"]),
  flips("flip-snapshots", "a bit of a member's snapshots is flipped", ["snapshot"]),
  flips("flip-both", "bits of a member's logs and snapshots are flipped", ["log", "snapshot"]),
  {
    name: "flip-epochs",
    about: "a bit of a member's acceptedEpoch or currentEpoch is flipped",
    leavesOldLeaders: false,
    strike: (stage) =>
      damage(stage, anyOfOurs(stage), (folder) => {
        return flipIn(join(folder, stage.dice.pick(epochFiles)), { ...stage, bits: bitsOfEpochs(stage) });
      }),
  },
  {
    name: "flip-myid",
    about: "a bit of a member's myid is flipped, and it has its number back",
    leavesOldLeaders: false,
    strike: (stage) => {
      const victim = anyOfOurs(stage);
      const { dataFolder } = stage.ensemble.member(victim);
      return damage(stage, victim, () => flipIn(join(dataFolder, "myid"), stage), byItsNumber);
    },
  },
  {
    name: "truncate",
    about: "a file of a member ends early",
    leavesOldLeaders: false,
    strike: (stage) => damage(stage, anyOfOurs(stage), (folder) => truncate(stage, folder)),
  },
  {
    name: "wipe",
    about: "a member has lost all its files, and rejoins",
    leavesOldLeaders: false,
    strike: wipe,
  },
  {
    name: "old-backup",
    about: "a member's files are what they were some time ago",
    leavesOldLeaders: false,
    strike: restore,
  },
];

function flips(name: string, about: string, kinds: readonly Kind[]): Nemesis {
  return {
    name,
    about,
    leavesOldLeaders: false,
    strike: (stage) => damage(stage, anyOfOurs(stage), (folder) => flip(stage, folder, kinds)),
  };
}
