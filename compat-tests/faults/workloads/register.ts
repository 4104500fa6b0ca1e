/**
 * Compare-and-set register: processes write, set under a version, and read. What they see has to be linearizable: as if each
 * operation had happened at one instant between its call and its answer. An independent checker says whether it is, from values and
 * versions alone (porcupine/), so that a server whose zxids lie cannot excuse itself.
 *
 * ZooKeeper promises that for writes. A read shows some moment's tree, perhaps a past one, and is no register's read. Two ways
 * make it one:
 *
 *   read        behind a write of the same connection: the member that answers has applied that write, and so all that were
 *               acknowledged before it was asked for. Always linearizable.
 *   sync-read   behind a sync: the leader is asked how far it has come. It does not ask its quorum, so a leader that has been
 *               replaced and cannot know it yet (cut off, or stopped and woken up) answers for the past. That is ZooKeeper's
 *               design (ZOOKEEPER-1675): these reads count when the fault has left no such leader.
 *
 * A search for a linearization grows fast with operations that nobody knows the result of, so there are many registers, each in use
 * for a short while.
 */

import type { Operation } from "../operations.ts";
import { type Answer, now, type Outcome, type Process } from "../process.ts";
import { judgeRegisters } from "../porcupine/porcupine.ts";
import { create, setData, textOf, type Workload } from "./workload.ts";

const count = 60;
/** How long a register is in use. */
const turnMs = 700;

export const register: Workload = {
  name: "register",
  processes: 3,
  begin() {
    const begunMs = now();
    let next = 1;
    /** The version that each process has seen last, of the register in use. */
    const known = new Map<Process, { key: string; version: number }>();
    const note = (process: Process, key: string, { type, result }: Outcome): void => {
      if (type === "ok") known.set(process, { key, version: (result as readonly number[]).at(-1)! });
    };
    return {
      setUp: async (process) => {
        await process.insist(create("/fence", ""));
        await process.insist(create("/register", ""));
        for (let i = 0; i < count; i++) await process.insist(create(`/register/${i}`, "0"));
      },
      step: async (process) => {
        const key = `/register/${Math.floor((now() - begunMs) / turnMs) % count}`;
        const seen = known.get(process);
        const version = seen?.key === key ? seen.version : 0;
        const value = next++;
        const kinds = [
          () => process.operate("read", [key], () => read(process, key, setData("/fence", ""))),
          () => process.operate("sync-read", [key], () => read(process, key, { op: "sync", path: key })),
          () => process.operate("write", [key, value], () => write(process, key, value)),
          () => process.operate("cas", [key, version, value], () => write(process, key, value, version)),
        ];
        note(process, key, await process.dice.pick(kinds)());
      },
      finish: async (process) => {
        for (let i = 0; i < count; i++) {
          const key = `/register/${i}`;
          await process.operate("read", [key], () => read(process, key, setData("/fence", "")));
        }
      },
    };
  },
  check(operations: readonly Operation[], { isSyncFresh }): void {
    judgeRegisters(operations.filter(({ f, invokedMs }) => f !== "sync-read" || isSyncFresh(invokedMs)));
  },
};

type Fence = Parameters<Process["ask"]>[0];

/** @returns value and version; the fence goes before on the same connection. */
async function read(process: Process, key: string, fence: Fence): Promise<Outcome> {
  const [before, answer] = await Promise.all([
    process.ask(fence),
    process.ask({ op: "getData", path: key, watch: process.dice.oneIn(4) }),
  ]);
  if (before === null || answer === null) return { type: "unknown" };
  if (before.err !== 0 || answer.err !== 0) throw new Error(`read of ${key}: errors ${before.err}, ${answer.err}`);
  const value = Number(textOf(answer.body));
  return { type: "ok", result: [value, answer.body.stat().version] };
}

/** @returns the version that the register has then. */
async function write(process: Process, key: string, value: number, version = -1): Promise<Outcome> {
  const answer: Answer = await process.ask(setData(key, String(value), version));
  if (answer === null) return { type: "unknown" };
  return answer.err === 0 ? { type: "ok", result: [answer.body.stat().version] } : { type: "fail" };
}
