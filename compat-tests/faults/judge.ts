/**
 * Says of a round's evidence whether all promises were kept. Several checkers that know nothing of each other:
 *
 *   while it ran   all members served again in time after each strike; nobody ended without a reason
 *   replicas       the same tree everywhere, the same after everybody was killed and has started again; no digest that was
 *                  not the transaction's
 *   history        the simulator's checkers: the members' logs are one log; played to a model it gives every answer and every event
 *                  (test/history)
 *   workloads      each its own invariant, by operations alone; registers by porcupine
 */

import { checkHistory, checkRefusals, type HistoryRules } from "../../test/history/checks.ts";
import type { TreeModel } from "../../test/support/tree-model.ts";
import { hexOf, type ZnodeDump } from "../disk/tree-dump.ts";
import { reportMs, unawareMs } from "./ensemble.ts";
import { type Evidence, readEvidence, readPlan, type RoundOutcome } from "./evidence.ts";
import { nemesisOf } from "./nemeses/nemeses.ts";
import { clientTimes } from "./process.ts";
import { workloadOf } from "./workloads/workloads.ts";

export interface Finding {
  readonly checker: string;
  /** What is wrong; null when nothing is. */
  readonly problem: string | null;
}

/** A process that does not get its turn on a busy machine looks dead for a while. */
const stallMs = 1_000;
const acknowledgedMin = 20;
/** The model adds the digest up over all znodes. */
const digestEvery = 50;

/** Judges what a round left in a folder. */
export function judge(folder: string): Finding[] {
  const { workloads } = readPlan(folder);
  let evidence: Evidence;
  try {
    evidence = readEvidence(folder);
  } catch (error) {
    return [{ checker: "history", problem: String(error) }];
  }
  const { operations, outcome } = evidence;
  const rules = rulesOf(evidence);
  // An operation does not say which server it was asked at.
  const workloadRules = { isSyncFresh: (atMs: number) => rules.referenceServers.size === 0 && rules.isSyncFresh(atMs) };
  return [
    finding("while it ran", () => {
      if (outcome.problems.length > 0) throw new Error(outcome.problems.join("; "));
    }),
    finding("replicas", () => checkReplicas(evidence)),
    finding("history", () => checkConversations(evidence, rules)),
    ...workloads.map((name) => {
      const own = operations.filter(({ workload }) => workload === name);
      return finding(name, () => {
        const count = own.filter(({ type }) => type === "ok").length;
        if (count < acknowledgedMin) throw new Error(`${count} operations were acknowledged, which shows nothing`);
        workloadOf(name).check(own, workloadRules);
      });
    }),
  ];
}

/**
 * What the history has to hold by. A session may seem to end too soon by the client's last ping before the one that its leader has not
 * heard of any more, by the time that this takes to be reported, and by a process that did not get its turn. A member that is cut off
 * or stopped serves reads until it notices, and its leader hears of no session meanwhile; a leader answers syncs: from the strike until
 * all serve under one leader.
 */
export function rulesOf({ plan, outcome }: Pick<Evidence, "plan" | "outcome">): HistoryRules {
  const { leavesOldLeaders, changesMembers } = nemesisOf(plan.nemesis);
  const { sessionTimeoutMs, pingMs } = clientTimes;
  const slackMs = pingMs + reportMs + stallMs;
  const isUnaware = (atMs: number): boolean =>
    leavesOldLeaders && outcome.strikes.some(({ fromMs, untilMs }) => atMs >= fromMs && atMs < untilMs);
  return {
    sessionTimeoutMs,
    slackMsAt: (aliveMs) => slackMs + (isUnaware(aliveMs) ? unawareMs : 0),
    isSyncFresh: (askedMs) => !isUnaware(askedMs),
    areSessionsLocal: false,
    areMembersChanged: changesMembers === true,
    referenceServers: new Set(plan.builds.flatMap((build, i) => (build === "reference" ? [String(i + 1)] : []))),
    digestEvery,
  };
}

function finding(checker: string, check: () => void): Finding {
  try {
    check();
    return { checker, problem: null };
  } catch (error) {
    return { checker, problem: error instanceof Error ? error.message : String(error) };
  }
}

function checkReplicas({ outcome, plan }: Evidence): void {
  const { trees, treesAfterRestart, digestMismatches } = outcome;
  const all = [...trees, ...treesAfterRestart];
  if (all.length !== 2 * plan.builds.length) throw new Error(`${all.length} trees were read`);
  const differing = all.findIndex((tree) => tree !== all[0]);
  if (differing !== -1) {
    const when = differing < trees.length ? "in the end" : "after everybody has started again";
    const sid = (differing % trees.length) + 1;
    throw new Error(`server ${sid} has another tree than server 1 ${when}: ${difference(all[0]!, all[differing]!)}`);
  }
  // A tree that 3.9.5 sends says nothing of digests; another 3.9.5 compares them at once, and counts what straightens the tree out.
  const mayBeSentTree = plan.builds.filter((build) => build === "reference").length > 1;
  const isLawful = (count: number, i: number): boolean =>
    count === 0 || (count > 0 && mayBeSentTree && plan.builds[i] === "reference");
  if (!digestMismatches.every(isLawful)) throw new Error(`digest mismatches: ${digestMismatches.join(", ")}`);
}

/** What members have in the end is what their log makes. */
function checkEnd({ treesAfterRestart: [text = ""] }: RoundOutcome, model: TreeModel): void {
  // Without trees the checker of replicas has said so.
  if (text === "") return;
  const znodes = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as ZnodeDump);
  const found = new Map(
    znodes.map(({ path, data, stat }) => [path, `${data} ${stat.version} ${stat.czxid} ${stat.mzxid}`]),
  );
  const expected = [...model.znodes.values()].filter(({ path }) => !path.startsWith("/zookeeper"));
  for (const { path, data, version, czxid, mzxid } of expected) {
    const text = `${data?.toString("base64") ?? null} ${version} ${hexOf(czxid)} ${hexOf(mzxid)}`;
    if (found.get(path) !== text) throw new Error(`${path} is ${found.get(path)} in the end, and by the log ${text}`);
    found.delete(path);
  }
  const surplus = [...found.keys()].filter((path) => !path.startsWith("/zookeeper"));
  if (surplus.length > 0) throw new Error(`there in the end, and not by the log: ${surplus.slice(0, 10).join(", ")}`);
}

/** The first lines that differ. */
function difference(a: string, b: string): string {
  const [left, right] = [a.split("\n"), b.split("\n")];
  const at = left.findIndex((line, i) => line !== right[i]);
  return `${left[at]} and ${right[at]}`;
}

/** @throws Error when the history holds with no reading of the logs: what is wrong with the first. */
function checkConversations({ logs, conversations, refusals, outcome }: Evidence, rules: HistoryRules): void {
  let problem: unknown = null;
  for (const log of logs) {
    try {
      const { tree } = checkHistory(log, conversations, rules);
      checkRefusals(refusals, rules);
      checkEnd(outcome, tree);
      return;
    } catch (error) {
      problem ??= error;
    }
  }
  throw problem;
}
