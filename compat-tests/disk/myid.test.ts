/**
 * Damage to `myid`, the one file that says who of an ensemble a server is: both refuse to be somebody else, with the same exit code. Ours
 * names the file, and what would be right.
 */

import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { freePort } from "../../test/support/free-port.ts";
import { type Build, subject, TestServer } from "../reference/server.ts";

interface Refusal {
  readonly code: number | null;
  readonly output: string;
}

const endMs = 30_000;
const attempts = { initLimit: 5, syncLimit: 2, electionPortBindRetry: 1 };

/** Starts server 1 of three with this in its myid, or without one; server 3 listens. */
async function refusal(build: Build, myid: string | null): Promise<Refusal> {
  const places = await Promise.all([1, 2, 3].map(async () => [await freePort(), await freePort()] as const));
  const members = places.map(([quorum, election], i) => [`server.${i + 1}`, `127.0.0.1:${quorum}:${election}`]);
  await using third = createServer().listen(places[2]![1], "127.0.0.1");
  await once(third, "listening");
  const server = new TestServer(build, { config: { ...attempts, ...Object.fromEntries(members) } });
  try {
    mkdirSync(server.dataFolder, { recursive: true });
    if (myid !== null) writeFileSync(join(server.dataFolder, "myid"), myid, "latin1");
    await server.launch();
    for (const deadline = Date.now() + endMs; server.isRunning && Date.now() < deadline;) await delay(20);
    const output = readFileSync(server.outputFile, "utf8").replaceAll(server.dataFolder, "DATA");
    return { code: server.exitCode, output };
  } finally {
    await server.dispose();
  }
}

const valid = "valid is the number of this server's server.N line";

const damages: readonly { what: string; myid: string | null; code: number; says: string; reference?: number }[] = [
  {
    what: "is gone",
    myid: null,
    code: 2,
    says: "DATA/myid: myid file is missing; valid is a file with one of 1, 2, 3",
  },
  { what: "is empty", myid: "", code: 2, says: `DATA/myid:1: serverid null is not a number; ${valid}` },
  { what: "has a flipped bit", myid: "q\n", code: 2, says: `DATA/myid:1: serverid q is not a number; ${valid}` },
  { what: "has a flipped highest bit", myid: "\xb1\n", code: 2, says: `is not a number; ${valid}` },
  { what: "lost its end of line", myid: "1J", code: 2, says: `DATA/myid:1: serverid 1J is not a number; ${valid}` },
  { what: "is zeros", myid: "\0".repeat(64), code: 2, says: `is not a number; ${valid}` },
  {
    what: "begins with an empty line",
    myid: "\n1\n",
    code: 2,
    says: `DATA/myid:1: serverid  is not a number; ${valid}`,
  },
  { what: "is another's", myid: "3\n", code: 14, says: "; myid says that this is server 3" },
  // The reference's code is that of a stack trace.
  {
    what: "is nobody's",
    myid: "5\n",
    code: 2,
    says: "DATA/myid: My id 5 not in the peer list; valid is one of 1, 2, 3",
    reference: 1,
  },
];

test.each(damages)("a myid that $what is refused by both", async ({ myid, code, says, reference = code }) => {
  const ours = await refusal(subject, myid);
  expect((await refusal("reference", myid)).code).toBe(reference);
  expect(ours.code, ours.output).toBe(subject === "ours" ? code : reference);
  if (subject === "ours") expect(ours.output).toContain(says);
});
