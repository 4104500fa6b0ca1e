/**
 * ZooKeeper's own offline tools as processes, and what they print made comparable: the same writes played to two servers
 * differ in times and session ids only, and each tool prints children and sessions in hash order.
 *
 *   SnapshotFormatter [-d | -json] file      znodes, sessions, last zxid
 *   SnapshotRecursiveSummary file path 0     descendants and bytes below each znode
 *   SnapshotComparer -l file -r file ...     two snapshots against each other
 *   TxnLogToolkit [-r -v] [-c -z zxid] file  the transactions of a log; rewrites it; chops it off
 *   PurgeTxnLog folder -n count              removes old snapshots and logs
 *
 * A complaint is anything on stderr or an exit code other than 0: their logger is set to speak of warnings.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect } from "vitest";
import { classPath, quickStart } from "../reference/artifacts.ts";

const classes = {
  SnapshotFormatter: "org.apache.zookeeper.server.SnapshotFormatter",
  SnapshotRecursiveSummary: "org.apache.zookeeper.server.SnapshotRecursiveSummary",
  SnapshotComparer: "org.apache.zookeeper.server.SnapshotComparer",
  TxnLogToolkit: "org.apache.zookeeper.server.persistence.TxnLogToolkit",
  PurgeTxnLog: "org.apache.zookeeper.server.PurgeTxnLog",
} as const;

export type Tool = keyof typeof classes;

export interface ToolRun {
  readonly exitCode: number | null;
  readonly output: string;
  readonly complaints: string;
}

/** Runs a tool to its end. */
export async function runTool(tool: Tool, ...words: readonly string[]): Promise<ToolRun> {
  const settings = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Duser.timezone=UTC", "-Dfile.encoding=UTF-8"];
  const java = [...quickStart, ...settings, "-cp", classPath("server"), classes[tool], ...words];
  const child = spawn("java", java, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close") as Promise<[number | null]>;
  const [output, complaints, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { exitCode, output, complaints };
}

/** What a tool that must not complain prints. */
export async function outputOf(tool: Tool, ...words: readonly string[]): Promise<string> {
  const { exitCode, output, complaints } = await runTool(tool, ...words);
  expect({ exitCode, complaints }, `${tool} ${words.join(" ")}`).toEqual({ exitCode: 0, complaints: "" });
  return output;
}

/** Gives session ids the names `S1`, `S2`, ... in the order in which they are met. */
export class SessionNames {
  readonly #names = new Map<string, string>();

  mask(id: string): string {
    const digits = id.replace(/^0x0*/, "");
    if (digits === "" || digits.startsWith("ff") || /^80{15}$/.test(digits)) return id;
    const name = this.#names.get(digits) ?? `S${this.#names.size + 1}`;
    this.#names.set(digits, name);
    return name;
  }
}

/** What SnapshotFormatter says of each znode, by path, of each session, sorted, and at its end. */
export function maskedSnapshot(output: string, names: SessionNames): string {
  const [title, rest] = halves(output, "\n");
  const [znodeText, sessionText] = halves(rest, "Session Details");
  const [sessionLines, last] = halves(sessionText, "----\n");
  const znodes = znodeText
    .split("----\n")
    .filter((block) => block.startsWith("/"))
    .sort()
    .map((block) =>
      block
        .replaceAll(/^( {2}[cm]time = ).*$/gm, "$1T")
        .replaceAll(/^( {2}ephemeralOwner = )(\S+)$/gm, (_, name: string, id: string) => name + names.mask(id)),
    );
  const sessions = sessionLines
    .split("\n")
    .map((line) => line.replace(/^0x[0-9a-f]+/, (id) => names.mask(id)))
    .sort();
  return [title, ...znodes, ...sessions, last].join("\n");
}

/** Text before the first `mark`, and from there on. */
function halves(whole: string, mark: string): [string, string] {
  const at = whole.indexOf(mark);
  return at === -1 ? [whole, ""] : [whole.slice(0, at), whole.slice(at)];
}

/** The tree of `SnapshotFormatter -json`: `[znode, child...]` or a znode, without its running number, children by name. */
export function maskedJson(output: string): string {
  const [, , , root] = JSON.parse(output) as [number, number, object, unknown];
  return JSON.stringify(sortedNode(root), null, 1);
}

interface JsonZnode {
  readonly name: string;
  readonly asize: number;
  readonly dsize: number;
}

function sortedNode(node: unknown): { name: string; asize: number; dsize: number; children: object[] } {
  const [own, ...children] = (Array.isArray(node) ? node : [node]) as [JsonZnode, ...unknown[]];
  const sorted = children.map((child) => sortedNode(child)).sort((a, b) => (a.name < b.name ? -1 : 1));
  return { name: own.name, asize: own.asize, dsize: own.dsize, children: sorted };
}

/** The blocks of SnapshotRecursiveSummary, sorted: each names its path. */
export function maskedSummary(output: string): string {
  return output
    .split(/^(?=[-]* \/)/m)
    .sort()
    .join("");
}

/**
 * The transactions that TxnLogToolkit prints, one file's after the other's, without titles: where a log rolls is a matter
 * of chance. The ephemerals that a closed session takes along are sorted.
 */
export function maskedTxns(outputs: readonly string[], names: SessionNames): string {
  const lines = outputs.flatMap((output) => output.split("\n"));
  return lines
    .filter((line) => !/^ZooKeeper Transactional Log File|^EOF reached after|^$/.test(line))
    .map((line) => line.replace(/^.*? session (0x[0-9a-f]+) /, (_, id: string) => `T session ${names.mask(id)} `))
    .map((line) => line.replace(/(?<= closeSession v\{).*(?=\}$)/, (paths) => paths.split(",").sort().join()))
    .join("\n");
}
