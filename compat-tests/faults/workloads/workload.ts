/**
 * A workload: a program for several processes, and what must hold of all that they did. Programs do their best to get something
 * done whatever happens; the check knows nothing but the operations and their three results.
 */

import type { Operation } from "../operations.ts";
import type { Answer, Outcome, Process } from "../process.ts";
import type { WriteRequest } from "../../../test/support/requests.ts";
import { openAcl } from "../../../test/support/wire-frames.ts";

export interface Workload {
  readonly name: string;
  readonly processes: number;
  /** A program of its own for each round. */
  begin(): Program;
  /** @throws Error that says what is wrong. */
  check(operations: readonly Operation[], rules: WorkloadRules): void;
}

export interface WorkloadRules {
  /** Whether no leader can have answered a sync, asked for then, that had been replaced and did not know it. */
  readonly isSyncFresh: (askedMs: number) => boolean;
}

export interface Program {
  /** Before the trouble, by one process. */
  setUp(process: Process): Promise<void>;
  /** One operation, or a few, by each process over and over. */
  step(process: Process): Promise<void>;
  /** When all is well again, by one process: what is there in the end. */
  finish(process: Process): Promise<void>;
}

export const ephemeral = 1;
export const sequential = 2;

export function create(path: string, data: string, flags = 0): WriteRequest {
  return { op: "create", type: 1, path, data, acl: openAcl, flags, ttlMs: 0n };
}

export function setData(path: string, data: string, version = -1): WriteRequest {
  return { op: "setData", path, data, version };
}

/** Its three results, where every refusal is one that the program counts with. */
export function outcomeOf(answer: Answer): Outcome {
  return answer === null ? { type: "unknown" } : { type: answer.err === 0 ? "ok" : "fail" };
}

/** Names below a znode, as of now or later. */
export async function childrenOf(process: Process, path: string): Promise<string[]> {
  await process.insist({ op: "sync", path });
  return (await process.insist({ op: "getChildren", path, watch: false })).strings();
}

export async function dataOf(process: Process, path: string): Promise<string> {
  return textOf(await process.insist({ op: "getData", path, watch: false }));
}

/** The data at the beginning of a getData's answer. */
export function textOf(body: { buffer(): Buffer | null }): string {
  return body.buffer()?.toString("latin1") ?? "";
}
