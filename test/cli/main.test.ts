/** The command line as a process, where no server starts: what is said, where, and the exit code. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const entry = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "nodekeeper-cli-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs it to its end, in the folder of this file, with these variables on top of ours. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): object {
  const { status, stdout, stderr } = spawnSync(process.execPath, [entry, ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

function checkFailure(args: readonly string[], status: number, stderr: string): void {
  expect(run(args)).toEqual({ status, stdout: "", stderr });
}

describe("the command, as a process", () => {
  it("says of a configuration file what is true, once, for a start and for a check", () => {
    for (const name of ["start", "check"]) {
      checkFailure([name, "nope.cfg"], 2, "nope.cfg: file is missing; valid is the path of a zoo.cfg\n");
      checkFailure([name, folder], 2, `${folder}: is a directory; valid is the path of a zoo.cfg\n`);
    }
  });

  it("does not take a myid that cannot be read for one that is not there", () => {
    mkdirSync(join(folder, "data/myid"), { recursive: true });
    writeFileSync(join(folder, "myid.cfg"), `dataDir=${folder}/data\nclientPort=2181\n`);
    const problem = `${folder}/data/myid: is a directory; valid is a file that holds this server's number`;
    checkFailure(["start", "myid.cfg"], 2, `${problem}\n`);
    expect(run(["check", "myid.cfg"])).toMatchObject({ status: 2, stdout: expect.stringContaining(problem) });
  });

  it("checks data folders without making them", () => {
    const text = `dataDir=${folder}/fresh/data\nclientPort=2181\n`;
    writeFileSync(join(folder, "fresh.cfg"), text);
    expect(run(["check", "fresh.cfg"])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("fresh.cfg: valid"),
    });
    expect(existsSync(join(folder, "fresh"))).toBe(false);
    writeFileSync(join(folder, "file.cfg"), text + `dataLogDir=${folder}/fresh.cfg\n`);
    expect(run(["check", "file.cfg"])).toMatchObject({
      status: 3,
      stdout: expect.stringContaining(`file.cfg:3: dataLogDir: ${folder}/fresh.cfg is a file`),
    });
  });

  it("explains the entrypoint of the image without doing its work, and fails in one line when it cannot", () => {
    const env = { ZOO_CONF_DIR: join(folder, "conf"), ZOO_DATA_DIR: join(folder, "data") };
    mkdirSync(env.ZOO_CONF_DIR);
    expect(run(["container", "--help"], env)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("Entrypoint of the image"),
    });
    expect(existsSync(join(env.ZOO_CONF_DIR, "zoo.cfg"))).toBe(false);
    const absent = join(folder, "absent");
    expect(run(["container", "true"], { ...env, ZOO_CONF_DIR: absent })).toEqual({
      status: 2,
      stdout: "",
      stderr:
        `${absent}/zoo.cfg cannot be written: no such file or directory; ` +
        `put a zoo.cfg there, or let the container's user write to ${absent} (ZOO_CONF_DIR)\n`,
    });
  });
});
