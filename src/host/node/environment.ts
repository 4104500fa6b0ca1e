/** What this process and machine say of themselves. */

import { readdirSync, readFileSync } from "node:fs";
import { arch, homedir, hostname, platform, release, tmpdir, userInfo } from "node:os";
import { cwd, memoryUsage } from "node:process";
import { getHeapStatistics } from "node:v8";
import type { EnvironmentFacts } from "../environment.ts";

export function nodeEnvironment(): EnvironmentFacts {
  const { heapTotal, heapUsed } = memoryUsage();
  return {
    // Looked up when it is asked for: the first time takes ten milliseconds, which no start should wait for.
    get timeZone(): string {
      return Intl.DateTimeFormat().resolvedOptions().timeZone;
    },
    hostName: hostname(),
    platform: platform(),
    architecture: arch(),
    osRelease: release(),
    userName: userName(),
    userHome: homedir(),
    workingFolder: cwd(),
    temporaryFolder: tmpdir(),
    memoryFreeBytes: heapTotal - heapUsed,
    memoryMaxBytes: getHeapStatistics().heap_size_limit,
    memoryTotalBytes: heapTotal,
  };
}

/** A user id without a name is common in containers. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "?");
  }
}

/** Open file descriptors and their soft limit; -1 where the system does not tell. */
export function descriptorCounts(): { openCount: number; maxCount: number } {
  try {
    return { openCount: readdirSync("/proc/self/fd").length, maxCount: descriptorsMax() };
  } catch {
    return { openCount: -1, maxCount: -1 };
  }
}

/** The soft limit of open file descriptors; -1 where the system does not tell. */
export function descriptorsMax(): number {
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? -1);
  } catch {
    return -1;
  }
}
