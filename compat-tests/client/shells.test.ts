/** The shells that operators type into: the C client's cli_mt, and zkCli of 3.9 and of 3.8, say the same of both servers. */

import { expect, test } from "vitest";
import { pairOfServers } from "../wire/pair.ts";
import type { ClientProcess } from "../reference/process.ts";
import { cliMt, zkCli } from "./programs.ts";

const pair = pairOfServers({ config: { extendedTypesEnabled: "true" } });

const cCommands = [
  "create /c",
  "create2 /d",
  "create /c",
  "create +s /c/s",
  "create +es /c/e",
  "create +c /box",
  "create +t=100000 /ttl",
  "create /none/x",
  "get /c",
  "set /c new",
  "get /c",
  "aget /c",
  "ls /c",
  "ls2 /c",
  "ls /none",
  "exists /none",
  "set /c again",
  "set /none x",
  "delete /none",
  "delete /c",
  "adelete /d",
  "sync /c",
];

test("cli_mt, the C client, says the same of both servers", async () => {
  const [expected, found] = await Promise.all([typeIntoCliMt(pair.reference.port), typeIntoCliMt(pair.subject.port)]);
  expect(expected).toContain("rc = -111");
  expect(found).toBe(expected);
});

/**
 * Types each command when the one before it has answered: the shell does not wait by itself. Its two threads write
 * whenever they like, and children come in any order, so the lines are sorted.
 */
async function typeIntoCliMt(port: number): Promise<string> {
  const shell = cliMt(port);
  try {
    await shell.says((text) => text.includes("Got a new session id"));
    for (const [index, command] of cCommands.entries()) {
      shell.write(command);
      await shell.says((text) => (text.match(/rc = |Error -/g)?.length ?? 0) > index);
    }
    shell.write("quit");
    await shell.end();
  } finally {
    shell.kill();
  }
  return shell.errors
    .join("")
    .replaceAll(/([cm]time ?= ?).*/g, "$1T")
    .replaceAll(/^time = .*$/gm, "time")
    .replaceAll(/(session id: |ephemeralOwner = |sessionId=)(0x)?[0-9a-f]+.*/g, "$1ID")
    .split("\n")
    .sort()
    .join("\n");
}

const zkCliCommands = [
  "create /z data",
  "create /z",
  "create -s -e /z/s x",
  "create -c /z/box",
  "create -t 100000 /z/ttl t",
  "create /none/x",
  "ls /",
  "ls -s /z",
  "ls -R /z",
  "get -s /z",
  "get /none",
  "set /z new",
  "set -v 7 /z old",
  "set -s /z newer",
  "stat /z",
  "stat /none",
  "getAcl /z",
  "setAcl /z world:anyone:cdrwa,ip:10.0.0.1:r",
  "getAcl -s /z",
  "addauth digest u:p",
  "create /mine x auth::cdrwa",
  "getAcl /mine",
  "setAcl /z nonsense",
  "getAllChildrenNumber /",
  "getEphemerals /z",
  "setquota -n 5 /z",
  "listquota /z",
  "delquota /z",
  "sync /z",
  "whoami",
  "delete /z",
  "deleteall /z",
  "ls /z",
  "config",
  "removewatches /none",
  "reconfig -remove 3",
  "nonsense",
];

test.each(["server", "client-3.8"] as const)("zkCli of the jars %s says the same of both servers", async (jars) => {
  const [expected, found] = await Promise.all([
    typeIntoZkCli(jars, pair.reference.port),
    typeIntoZkCli(jars, pair.subject.port),
  ]);
  expect(expected).toContain("Node already exists: /z");
  expect(expected).toMatch(/Command not found/);
  expect(found).toBe(expected);
});

async function typeIntoZkCli(jars: "server" | "client-3.8", port: number): Promise<string> {
  const shell = zkCli(jars, port);
  for (const command of [...zkCliCommands, "deleteall /mine", "quit"]) shell.write(command);
  shell.endInput();
  return `${zkCliText((await shell.end()).join("\n"))}\n-- errors --\n${zkCliText(errorsOf(shell))}`;
}

/** Without prompts, events (which come when they come), times, ids and the machine's own names. */
function zkCliText(text: string): string {
  const lines = text
    .replaceAll(/\[zk: [^\]]*\] /g, "")
    .replaceAll(/([cm]time = ).*/g, "$1T")
    .replaceAll(/(ephemeralOwner = 0x)[1-9a-f][0-9a-f]*/g, "$1ID")
    .replaceAll(/127\.0\.0\.1:\d+/g, "SERVER")
    .split("\n");
  return lines.filter((line) => !isNoise(line)).join("\n");
}

function isNoise(line: string): boolean {
  return line === "" || /WATCHER::|WatchedEvent|JLine|jline|terminal|^\s+at /.test(line);
}

function errorsOf(shell: ClientProcess): string {
  return shell.errors.join("");
}
