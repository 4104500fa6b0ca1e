/**
 * Queues as clients build them: an element is a sequential znode, and whoever deletes it has taken it.
 *
 *   total-queue    takes any: each element that was enqueued is dequeued once, or is there in the end
 *   linear-queue   takes the first: besides, elements come out in the order in which they went in. A name that comes later has a
 *                  higher number, so who has seen a name as the lowest and then deletes it has deleted the lowest.
 */

import { expectNone, type Operation, only, repeated } from "../operations.ts";
import type { Outcome, Process } from "../process.ts";
import { childrenOf, create, dataOf, sequential, textOf, type Workload } from "./workload.ts";

interface QueueKind {
  readonly name: string;
  readonly path: string;
  readonly isOrdered: boolean;
}

/** Beyond so many elements processes only take. */
const lengthMax = 40;

const noNode = -101;

export const totalQueue: Workload = queue({ name: "total-queue", path: "/total", isOrdered: false });
export const linearQueue: Workload = queue({ name: "linear-queue", path: "/linear", isOrdered: true });

function queue(kind: QueueKind): Workload {
  const { name, path } = kind;
  return {
    name,
    processes: 3,
    begin() {
      let next = 1;
      let length = 0;
      return {
        setUp: async (process) => void (await process.insist(create(path, ""))),
        step: async (process) => {
          if (length < lengthMax && process.dice.oneIn(2)) {
            const element = next++;
            await process.operate("enqueue", element, () => enqueue(process, path, element));
            length++;
          } else {
            const { type } = await process.operate("dequeue", null, () => dequeue(process, kind));
            if (type === "ok") length--;
          }
        },
        finish: async (process) => {
          const names = (await childrenOf(process, path)).sort();
          const left: (string | number)[] = [];
          for (const each of names) left.push(Number(await dataOf(process, `${path}/${each}`)));
          await process.operate("drain", null, async () => ({ type: "ok", result: left }));
        },
      };
    },
    check: (operations) => {
      checkTotal(operations);
      if (kind.isOrdered) checkOrder(operations);
    },
  };
}

/** @returns the number that the element got. */
async function enqueue(process: Process, path: string, element: number): Promise<Outcome> {
  const answer = await process.ask(create(`${path}/q-`, String(element), sequential));
  if (answer === null) return { type: "unknown" };
  if (answer.err !== 0) return { type: "fail" };
  return { type: "ok", result: numberIn(answer.body.string()!) };
}

/** @returns the element and its number; with an unknown result it may have been taken. */
async function dequeue(process: Process, { path, isOrdered }: QueueKind): Promise<Outcome> {
  const list = await process.ask({ op: "getChildren", path, watch: process.dice.oneIn(4) });
  if (list === null) return { type: "fail" };
  const names = list.body.strings().sort();
  if (names.length === 0) return { type: "fail" };
  const taken = `${path}/${isOrdered ? names[0] : process.dice.pick(names)}`;
  const read = await process.ask({ op: "getData", path: taken, watch: false });
  if (read === null || read.err !== 0) return { type: "fail" };
  const result = [Number(textOf(read.body)), numberIn(taken)];
  const removed = await process.ask({ op: "delete", path: taken, version: -1 });
  if (removed === null) return { type: "unknown", result };
  if (removed.err !== 0 && removed.err !== noNode) throw new Error(`delete of ${taken}: error ${removed.err}`);
  return removed.err === 0 ? { type: "ok", result } : { type: "fail" };
}

function numberIn(path: string): number {
  return Number(path.slice(path.lastIndexOf("-") + 1));
}

function elementsOf(dequeues: readonly Operation[]): number[] {
  return dequeues.map(({ result }) => (result as readonly number[])[0]!);
}

function checkTotal(operations: readonly Operation[]): void {
  const drained = only(operations, "drain", "ok").at(-1);
  if (drained === undefined) throw new Error("nobody has drained the queue in the end");
  const left = drained.result as readonly number[];
  const dequeued = elementsOf(only(operations, "dequeue", "ok"));
  expectNone("dequeued twice, or dequeued and still there", repeated([...dequeued, ...left]));
  const tried = new Set(only(operations, "enqueue", "ok", "unknown").map(({ value }) => value as number));
  expectNone(
    "never enqueued",
    [...dequeued, ...left].filter((element) => !tried.has(element)),
  );
  const perhaps = elementsOf(only(operations, "dequeue", "unknown").filter(({ result }) => result !== null));
  const accounted = new Set([...dequeued, ...left, ...perhaps]);
  const enqueued = only(operations, "enqueue", "ok").map(({ value }) => value as number);
  expectNone(
    "enqueued and lost",
    enqueued.filter((element) => !accounted.has(element)),
  );
}

function checkOrder(operations: readonly Operation[]): void {
  const enqueues = only(operations, "enqueue", "ok");
  const dequeues = only(operations, "dequeue", "ok");
  inOrder(
    "enqueued",
    enqueues.map((one) => ({ ...one, number: one.result as number })),
  );
  inOrder(
    "dequeued",
    dequeues.map((one) => ({ ...one, number: (one.result as readonly number[])[1]! })),
  );
  const drained = only(operations, "drain", "ok").at(-1)!.result as readonly number[];
  const left = new Set(drained);
  // What was there when a higher one was asked for should have come before it.
  const forgotten = enqueues.filter(({ value }) => left.has(value as number));
  for (const { result, invokedMs } of dequeues) {
    const [element, number] = result as readonly [number, number];
    const passed = forgotten.filter((one) => one.completedMs < invokedMs && (one.result as number) < number);
    expectNone(
      `${element} was dequeued before`,
      passed.map(({ value }) => value),
    );
  }
}

/** What ended before another began has the lower number. */
function inOrder(what: string, operations: readonly (Operation & { readonly number: number })[]): void {
  const byEnd = operations.toSorted((a, b) => a.completedMs - b.completedMs);
  let highest = -1;
  let next = 0;
  for (const { invokedMs, number } of operations.toSorted((a, b) => a.invokedMs - b.invokedMs)) {
    for (; next < byEnd.length && byEnd[next]!.completedMs < invokedMs; next++) {
      highest = Math.max(highest, byEnd[next]!.number);
    }
    if (number < highest) throw new Error(`number ${number} was ${what} when ${highest} had been`);
  }
}
