/**
 * At the end of a run: prints the table and writes `compat-tests/report/`: index.html for people, junit.xml and
 * report.json for machines, table.md for the README.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join, relative } from "node:path";
import type { Reporter, TestModule } from "vitest/node";
import { parts, partOf } from "../parts.ts";
import { repositoryFolder } from "../reference/artifacts.ts";
import { htmlPage } from "./html.ts";
import { junitXml } from "./junit.ts";
import { type Circumstances, type Report, reportOfPart } from "./report.ts";
import { markdownTable, textTable } from "./table.ts";

const compatFolder = join(repositoryFolder, "compat-tests");

export default class CompatReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const report = reportOf(modules);
    const folder = join(compatFolder, "report");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "index.html"), htmlPage(report));
    writeFileSync(join(folder, "junit.xml"), junitXml(report));
    writeFileSync(join(folder, "report.json"), `${JSON.stringify(report, null, 2)}\n`);
    writeFileSync(join(folder, "table.md"), markdownTable(report));
    process.stdout.write(`\n${textTable(report)}\nreference: ${report.reference}; compat-tests/report/index.html\n\n`);
  }
}

function reportOf(modules: readonly TestModule[]): Report {
  const placed = modules.map((module) => ({ file: relative(compatFolder, module.moduleId), module }));
  const byPart = Map.groupBy(placed, ({ file }) => partOf(file));
  return { ...circumstances(), parts: parts.map((part) => reportOfPart(part, byPart.get(part) ?? [])) };
}

function circumstances(): Circumstances {
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 16),
    commit: commit(),
    subject: process.env["COMPAT_SUBJECT"] ?? "ours",
    reference: process.env["COMPAT_REFERENCE_NAME"] ?? "Apache ZooKeeper 3.9.5",
    machine: `${processors.length} cores, ${processors[0]?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    loadAverage: loadavg()[0] ?? 0,
    command: process.env["COMPAT_COMMAND"] ?? "vitest",
    isComplete: process.env["COMPAT_COMPLETE"] === "true",
  };
}

function commit(): string {
  try {
    return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain") === "" ? "" : "+");
  } catch {
    return "unknown";
  }
}

function git(...words: readonly string[]): string {
  const output = execFileSync("git", words, {
    cwd: repositoryFolder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return output.trim();
}
