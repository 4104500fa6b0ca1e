/**
 * The answer to `envi`: what the server runs on, `key=value` in a fixed order of keys. Scripts index it by key and
 * operators search it for `zookeeper.version`, so the keys about a JVM are there too, with `<NA>`, which is what
 * ZooKeeper prints for a property that nobody set. Memory is in whole megabytes: `192MB`.
 * Source: Environment, EnvCommand.
 */

import { fullVersion } from "#base/version.ts";
import type { EnvironmentFacts } from "#host/environment.ts";

const notAvailable = "<NA>";

/** What the JVM calls the systems and processors that Node runs on; others keep Node's name. */
const osNames = new Map([
  ["linux", "Linux"],
  ["darwin", "Mac OS X"],
  ["win32", "Windows"],
]);
const architectureNames = new Map([
  ["x64", "amd64"],
  ["arm64", "aarch64"],
]);

/** The text of `envi`. */
export function environmentText(environment: EnvironmentFacts): string {
  let text = "Environment:\n";
  for (const [key, value] of environmentEntries(environment)) text += `${key}=${value}\n`;
  return text;
}

/** Keys and values in ZooKeeper's order. */
export function environmentEntries(environment: EnvironmentFacts): readonly (readonly [string, string])[] {
  return [
    ["zookeeper.version", fullVersion],
    ["host.name", environment.hostName],
    ["java.version", notAvailable],
    ["java.vendor", notAvailable],
    ["java.home", notAvailable],
    ["java.class.path", notAvailable],
    ["java.library.path", notAvailable],
    ["java.io.tmpdir", environment.temporaryFolder],
    ["java.compiler", notAvailable],
    ["os.name", osNames.get(environment.platform) ?? environment.platform],
    ["os.arch", architectureNames.get(environment.architecture) ?? environment.architecture],
    ["os.version", environment.osRelease],
    ["user.name", environment.userName],
    ["user.home", environment.userHome],
    ["user.dir", environment.workingFolder],
    ["os.memory.free", megabytes(environment.memoryFreeBytes)],
    ["os.memory.max", megabytes(environment.memoryMaxBytes)],
    ["os.memory.total", megabytes(environment.memoryTotalBytes)],
  ];
}

function megabytes(bytes: number): string {
  return `${Math.trunc(bytes / (1024 * 1024))}MB`;
}
