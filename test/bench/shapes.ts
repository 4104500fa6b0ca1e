/**
 * The loads: what is asked for, by how many connections, each with how many requests in flight. A shape's name says it all:
 * `getData 50x16` is getData by 50 connections with 16 each.
 */

import type { Operation } from "./request-template.ts";

/** A tree that a load goes to: a thousand znodes to a folder. */
export interface TreeShape {
  readonly root: string;
  readonly znodes: number;
  readonly dataBytes: number;
}

export interface LoadShape {
  readonly name: string;
  readonly shares: readonly { readonly operation: Operation; readonly percent: number }[];
  readonly connections: number;
  readonly depth: number;
  readonly dataBytes: number;
}

const mixes: Readonly<Record<string, LoadShape["shares"]>> = {
  getData: [{ operation: "getData", percent: 100 }],
  exists: [{ operation: "exists", percent: 100 }],
  setData: [{ operation: "setData", percent: 100 }],
  create: [{ operation: "create", percent: 100 }],
  delete: [{ operation: "delete", percent: 100 }],
  "80/20 mix": [
    { operation: "getData", percent: 80 },
    { operation: "setData", percent: 20 },
  ],
  "multi of 10": [{ operation: "multi", percent: 100 }],
};

/** How many children getChildren finds. */
export const wideChildren = 10_000;
const smallBytes = 100;

function shape(mix: string, connections: number, depth: number): LoadShape {
  return { name: `${mix} ${connections}x${depth}`, shares: mixes[mix]!, connections, depth, dataBytes: smallBytes };
}

function sized(mix: "getData" | "setData", dataBytes: number, connections: number, depth: number): LoadShape {
  return {
    ...shape(mix, connections, depth),
    name: `${mix} of ${dataBytes / 1000} KB ${connections}x${depth}`,
    dataBytes,
  };
}

const connectionCounts = [1, 50, 1000] as const;
const depths = [1, 16, 100] as const;

/** Every mix by every number of connections and depth, then larger values and many children. */
export const loadShapes: readonly LoadShape[] = [
  ...Object.keys(mixes).flatMap((mix) =>
    connectionCounts.flatMap((connections) => depths.map((depth) => shape(mix, connections, depth))),
  ),
  ...(["getData", "setData"] as const).flatMap((mix) => [sized(mix, 1000, 50, 16), sized(mix, 100_000, 10, 4)]),
  {
    name: "getChildren of 10,000 10x4",
    shares: [{ operation: "getChildren", percent: 100 }],
    connections: 10,
    depth: 4,
    dataBytes: 0,
  },
];

/** Those that a quick look takes. */
export const quickShapes: readonly string[] = [
  "getData 50x16",
  "getData 50x1",
  "getData 1x1",
  "setData 50x16",
  "setData 1x1",
  "create 50x16",
  "80/20 mix 50x16",
];

/** Through which members of an ensemble: those that a leader has to be asked for, and reads that it has not. */
export const ensembleShapes: readonly (LoadShape & { readonly through: "leader" | "follower" | "all" })[] = [
  ...(["leader", "follower"] as const).flatMap((through) =>
    [shape("setData", 50, 16), shape("setData", 1, 1)].map((own) => ({
      ...own,
      name: `${own.name} through ${through === "leader" ? "the leader" : "a follower"}`,
      through,
    })),
  ),
  ...[shape("80/20 mix", 50, 16), shape("getData", 50, 16)].map((own) => ({
    ...own,
    name: `${own.name} through all`,
    through: "all" as const,
  })),
];

export function shapeNamed<Shape extends { readonly name: string }>(shapes: readonly Shape[], name: string): Shape {
  const found = shapes.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no shape ${name}`);
  return found;
}
