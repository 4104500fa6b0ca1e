import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { edited, plantedBugs } from "./planted-bugs.ts";
import { Simulation } from "./simulation.ts";

async function linesOf(seed: number): Promise<string[]> {
  const lines: string[] = [];
  await new Simulation({ seed, onLine: (line) => lines.push(line) }).run();
  return lines;
}

describe("a simulated ensemble", () => {
  it("keeps its promises, whatever befalls it", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      await new Simulation({ seed }).run().catch((error: unknown) => {
        throw new Error(`seed ${seed}; npm run sim -- --seed ${seed} tells it`, { cause: error });
      });
    }
  });

  it("does the same again with the same seed", async () => {
    const once = await linesOf(7);
    expect(once.length).toBeGreaterThan(100);
    expect(await linesOf(7)).toEqual(once);
    expect(await linesOf(8)).not.toEqual(once);
  });
});

describe("planted bugs", () => {
  it.each(plantedBugs)("$name can be planted: the sources are as it expects them", ({ edits }) => {
    for (const edit of edits) {
      const source = readFileSync(new URL(`../../src/${edit.file}`, import.meta.url), "utf8");
      expect(edited(source, edit)).not.toBe(source);
    }
  });
});
