/**
 * One run of a target, and all that can be wrong with it:
 *
 *   error    the target threw, or something did in a later turn or a promise that nobody waited for
 *   slow     it took more of the processor than {@link runMsMax}, three times in a row: a first call, or a tidy heap, is paid once
 *   memory   it asked for more bytes of buffers than its input can explain
 *
 * Buffers are counted where they are asked for, so that the same input gives the same number; what the engine does beside
 * them on V8's heap is looked at from time to time by the fuzzer.
 */

import { allocatedPerByte, type FuzzTarget } from "./target.ts";

/** Longest that one input may keep the process busy. */
export const runMsMax = 200;
const slowRunsMax = 3;

export interface Fault {
  readonly kind: "error" | "slow" | "memory";
  /** The same for what is most likely the same mistake. */
  readonly key: string;
  readonly text: string;
}

/** What was thrown where nobody catches it. */
const strays: unknown[] = [];
let isListening = false;
/** Bytes asked for since the run began. */
let allocatedBytes = 0;

/** From now on buffers are counted, and what nobody catches belongs to the run that is under way. */
export function prepareTrials(): void {
  if (isListening) return;
  isListening = true;
  process.on("uncaughtException", (error) => strays.push(error));
  process.on("unhandledRejection", (error) => strays.push(error));
  for (const name of ["alloc", "allocUnsafe", "allocUnsafeSlow"] as const) countCalls(name);
}

function countCalls(name: "alloc" | "allocUnsafe" | "allocUnsafeSlow"): void {
  const original = Buffer[name].bind(Buffer);
  Buffer[name] = (sizeBytes: number, fill?: string | number | Uint8Array) => {
    allocatedBytes += sizeBytes;
    return original(sizeBytes, fill);
  };
}

/** Runs an input. @returns what is wrong with it, or null. */
export async function tryInput(target: FuzzTarget, input: Buffer): Promise<Fault | null> {
  for (let attempt = 1; ; attempt++) {
    // Not the clock on the wall: the machine may be busy with other things.
    const before = process.threadCpuUsage();
    const fault = await runOnce(target, input);
    const { user, system } = process.threadCpuUsage(before);
    const ms = (user + system) / 1000;
    if (fault !== null || ms <= runMsMax) return fault;
    if (attempt === slowRunsMax) {
      return {
        kind: "slow",
        key: `slow ${target.name}`,
        text: `it took ${ms.toFixed(0)} ms, and ${runMsMax} are enough`,
      };
    }
  }
}

async function runOnce(target: FuzzTarget, input: Buffer): Promise<Fault | null> {
  strays.length = 0;
  allocatedBytes = 0;
  try {
    await target.run(input);
  } catch (error) {
    return faultOf(error);
  }
  if (strays.length > 0) return faultOf(strays[0]);
  const max = target.allocatedBytesMax + allocatedPerByte * input.length;
  if (allocatedBytes <= max) return null;
  const text = `it asked for ${allocatedBytes} bytes of buffers; ${max} are enough for an input of ${input.length}`;
  return { kind: "memory", key: `memory ${target.name}`, text };
}

function faultOf(error: unknown): Fault {
  const { name, message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  const place = /\/src\/[^\s)]+?\.ts:\d+/.exec(stack)?.[0] ?? "";
  const words = message
    .split("\n")[0]!
    .replaceAll(/0x[0-9a-f]+|\d+|"[^"]*"|'[^']*'/g, "#")
    .slice(0, 60);
  return { kind: "error", key: `${name} ${words} ${place}`, text: stack === "" ? `${name}: ${message}` : stack };
}
