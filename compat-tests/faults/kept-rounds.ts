/**
 * Rounds in folders of their own. What a round left is thrown away when all held; else it is kept, with a note of how to see it
 * again.
 */

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryFolder } from "../reference/artifacts.ts";
import { canMount, unmountAll } from "./ensemble.ts";
import type { RoundPlan } from "./evidence.ts";
import { canMakeNetworks } from "./links/links.ts";
import type { Nemesis } from "./nemeses/nemesis.ts";
import { playRound, type RoundReport } from "./round.ts";
import { workloads } from "./workloads/workloads.ts";

/** Git-ignored. */
const keptFolder = join(repositoryFolder, "compat-tests", "report", "faults");

export interface KeptRound extends RoundReport {
  /** Where everything is that the round left; null when all held. */
  readonly folder: string | null;
}

/** Plays a round, and keeps what it left if something did not hold. */
export async function playAndKeep(plan: RoundPlan): Promise<KeptRound> {
  const folder = mkdtempSync(join(tmpdir(), "faults-"));
  try {
    const report = await playRound(plan, folder);
    if (report.findings.every(({ problem }) => problem === null)) return { ...report, folder: null };
    return { ...report, folder: keep(plan, folder, report) };
  } finally {
    unmountAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What this machine lets us do; a nemesis that needs more is left out. */
export interface Means {
  readonly canCutLinks: boolean;
  readonly canFillDisks: boolean;
}

export function meansHere(): Means {
  return { canCutLinks: canMakeNetworks(), canFillDisks: canMount() };
}

/** Why a nemesis cannot strike here; null when it can. */
export function whyNot({ needs }: Nemesis, { canCutLinks, canFillDisks }: Means): string | null {
  if (needs === "links" && !canCutLinks) return "it takes root, and network namespaces (unshare, ip)";
  if (needs === "small disks" && !canFillDisks) return "it takes root, and the right to mount a tmpfs";
  return null;
}

/** The command that plays a round like that one again. */
export function commandOf({ builds, nemesis, workloads: names, seed, troubleMs }: RoundPlan): string {
  const mix = builds.map((build) => (build === "ours" ? "ours" : "ref")).join(",");
  const chosen = names.length === workloads.length ? [] : names.map((name) => `--workload ${name}`);
  const words = [
    `--mix ${mix}`,
    `--nemesis ${nemesis}`,
    ...chosen,
    `--seconds ${troubleMs / 1_000}`,
    `--seed ${seed}`,
    "--rounds 1",
  ];
  return `npm run faults -- ${words.join(" ")}`;
}

function keep(plan: RoundPlan, folder: string, { findings }: RoundReport): string {
  const when = new Date().toISOString().replaceAll(/[:.]/g, "-");
  const target = join(keptFolder, `${when}-${plan.nemesis}-${plan.seed}`);
  mkdirSync(keptFolder, { recursive: true });
  cpSync(folder, target, { recursive: true, filter: (path) => !path.endsWith(".sock") && !path.endsWith("/filler") });
  const text = [
    `Again:                ${commandOf(plan)}`,
    `Judged again:         npm run faults -- --check ${target}`,
    "",
    ...findings.map(({ checker, problem }) => `${checker}: ${problem ?? "held"}`),
  ];
  writeFileSync(join(target, "verdict.txt"), `${text.join("\n")}\n`);
  return target;
}
