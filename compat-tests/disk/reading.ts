/** What a server reads in a folder that a test has made: the last zxid and the whole tree as one text, or a refusal. */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Build, type ServerSettings, TestServer } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { zxidOf } from "./opening.ts";
import { dumpText, dumpTree } from "./tree-dump.ts";

/** Stands for a start that failed. */
export const refused = "refused";

/** Starts a server on a fresh folder whose `version-2` is filled by `fill`, which is given the folder above it. */
export async function readingOf(
  build: Build,
  fill: (dataFolder: string) => void,
  settings: Omit<ServerSettings, "folder"> = {},
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "compat-reading-"));
  const server = new TestServer(build, { ...settings, folder });
  try {
    mkdirSync(join(server.dataFolder, "version-2"), { recursive: true });
    fill(server.dataFolder);
    return await timed(build, () => readingBy(server));
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function readingBy(server: TestServer): Promise<string> {
  try {
    await server.start();
  } catch (error) {
    // One that is merely slow has not refused anything.
    if (server.isRunning) throw error;
    return refused;
  }
  const zxid = zxidOf(await server.fourLetterWord("srvr"));
  return `0x${zxid.toString(16)}\n${dumpText(await dumpTree(server.port))}`;
}
