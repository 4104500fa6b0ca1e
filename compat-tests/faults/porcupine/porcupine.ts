/**
 * The independent judge of registers: main.go beside this file, which asks porcupine (github.com/anishathalye/porcupine). Built
 * once for each content of its sources, with the library that its go.mod names.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cached, repositoryFolder, run } from "../../reference/artifacts.ts";
import type { Operation } from "../operations.ts";

const searchSeconds = 60;

/**
 * Judges `read [key] -> [value, version]`, `write [key, value] -> [version]`, `cas [key, expected version, value] -> [version]`.
 * @throws Error that names the registers whose operations have no linearization.
 */
export function judgeRegisters(operations: readonly Operation[]): void {
  const input = JSON.stringify(
    operations.map(({ f, ...rest }) => ({ ...rest, f: f === "sync-read" ? "read" : f, result: rest.result ?? [] })),
  );
  const result = spawnSync(programPath(), [String(searchSeconds)], {
    input,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (result.status !== 0) throw new Error(`porcupine: ${result.stdout}${result.stderr}`.trim());
}

function programPath(): string {
  const folder = join(repositoryFolder, "compat-tests", "faults", "porcupine");
  const sources = readdirSync(folder).filter((name) => !name.endsWith(".ts"));
  const mark = createHash("sha256");
  for (const name of sources.sort()) mark.update(name).update(readFileSync(join(folder, name)));
  const built = cached(`porcupine-${mark.digest("hex").slice(0, 12)}`, (target) => {
    run("go", ["build", "-buildvcs=false", "-o", join(target, "judge"), "."], folder);
  });
  return join(built, "judge");
}
