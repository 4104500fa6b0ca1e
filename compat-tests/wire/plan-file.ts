/**
 * A plan as a file: JSON that a reader can make sense of. Bytes are hexadecimal, with runs of one byte spelt short, and
 * longs are decimal:
 *
 *   { "bytes": "000000022f61 78x300" }   { "long": "1099511627776" }
 *
 * `story` says what the plan found. A failing plan is written to compat-tests/report/failures; moved to
 * compat-tests/wire/seeds it is played at each run (seeds.test.ts).
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { repositoryFolder } from "../reference/artifacts.ts";
import type { Plan } from "./plan.ts";

export interface KeptPlan {
  readonly story: string;
  readonly plan: Plan;
}

/** Where failing plans go. */
export function failureFile(plan: Plan): string {
  const name = `${plan.configuration.replaceAll(/\W+/g, "-")}-${plan.seed}.json`;
  return join(repositoryFolder, "compat-tests", "report", "failures", name);
}

export function writePlan(file: string, kept: KeptPlan): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, textOfPlan(kept));
}

export function readPlan(file: string): KeptPlan {
  return planOfText(readFileSync(file, "utf8"));
}

export function textOfPlan(kept: KeptPlan): string {
  return `${JSON.stringify(spelt(kept), null, 2)}\n`;
}

export function planOfText(text: string): KeptPlan {
  return JSON.parse(text, (_key, value: unknown) => unspelt(value)) as KeptPlan;
}

/** The value with its bytes and longs spelt out. */
function spelt(value: unknown): unknown {
  if (typeof value === "bigint") return { long: value.toString() };
  if (value instanceof Uint8Array) return { bytes: textOfBytes(value) };
  if (Array.isArray(value)) return value.map(spelt);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, spelt(field)]));
}

function unspelt(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("long" in value && typeof value.long === "string") return BigInt(value.long);
  if ("bytes" in value && typeof value.bytes === "string") return bytesOfText(value.bytes);
  return value;
}

/** Shorter runs are spelt out. */
const runBytesMin = 24;

function textOfBytes(bytes: Uint8Array): string {
  const parts: string[] = [];
  let plainFrom = 0;
  for (let from = 0; from < bytes.length;) {
    let end = from + 1;
    while (bytes[end] === bytes[from]) end++;
    if (end - from >= runBytesMin) {
      if (from > plainFrom) parts.push(Buffer.from(bytes.subarray(plainFrom, from)).toString("hex"));
      parts.push(`${bytes[from]!.toString(16).padStart(2, "0")}x${end - from}`);
      plainFrom = end;
    }
    from = end;
  }
  if (plainFrom < bytes.length) parts.push(Buffer.from(bytes.subarray(plainFrom)).toString("hex"));
  return parts.join(" ");
}

function bytesOfText(text: string): Buffer {
  const parts = text.split(" ").map((part) => {
    const [byte, count] = part.split("x");
    return count === undefined ? Buffer.from(part, "hex") : Buffer.alloc(Number(count), Buffer.from(byte!, "hex"));
  });
  return Buffer.concat(parts);
}
