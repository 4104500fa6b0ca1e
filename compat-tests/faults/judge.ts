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

import { checkHistory, checkRefusals } from "../../test/history/checks.ts";
import { unawareMs } from "./ensemble.ts";
import { type Evidence, readEvidence, readPlan } from "./evidence.ts";
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
  const { workloads, nemesis } = readPlan(folder);
  const rules = { areSyncsFresh: !nemesisOf(nemesis).leavesOldLeaders };
  let evidence: Evidence;
  try {
    evidence = readEvidence(folder);
  } catch (error) {
    return [{ checker: "history", problem: String(error) }];
  }
  const { operations, outcome } = evidence;
  return [
    finding("while it ran", () => {
      if (outcome.problems.length > 0) throw new Error(outcome.problems.join("; "));
    }),
    finding("replicas", () => checkReplicas(evidence)),
    finding("history", () => checkConversations(evidence, rules.areSyncsFresh)),
    ...workloads.map((name) => {
      const own = operations.filter(({ workload }) => workload === name);
      return finding(name, () => {
        const count = own.filter(({ type }) => type === "ok").length;
        if (count < acknowledgedMin) throw new Error(`${count} operations were acknowledged, which shows nothing`);
        workloadOf(name).check(own, rules);
      });
    }),
  ];
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
  const counts = digestMismatches.filter((count) => count !== 0);
  if (counts.length > 0) throw new Error(`digest mismatches: ${digestMismatches.join(", ")}`);
}

/** The first lines that differ. */
function difference(a: string, b: string): string {
  const [left, right] = [a.split("\n"), b.split("\n")];
  const at = left.findIndex((line, i) => line !== right[i]);
  return `${left[at]} and ${right[at]}`;
}

/** @throws Error when the history holds with no reading of the logs: what is wrong with the first. */
function checkConversations({ logs, conversations, refusals }: Evidence, areSyncsFresh: boolean): void {
  const { sessionTimeoutMs, pingMs } = clientTimes;
  // A follower that is cut off serves reads until it notices, and its leader hears of no session meanwhile.
  const slackMs = unawareMs + pingMs + stallMs;
  const rules = { sessionTimeoutMs, slackMs, areSessionsLocal: false, areSyncsFresh, digestEvery };
  let problem: unknown = null;
  for (const log of logs) {
    try {
      checkHistory(log, conversations, rules);
      checkRefusals(refusals, rules);
      return;
    } catch (error) {
      problem ??= error;
    }
  }
  throw problem;
}
