import { describe, expect, it } from "vitest";
import { playAllPoints, playScript } from "./crash-points.ts";
import { scripts } from "./scripts.ts";

async function linesOf(): Promise<string[]> {
  const lines: string[] = [];
  await playScript(scripts[4]!, { index: 20, death: "torn" }, (line) => void lines.push(line));
  return lines;
}

describe("a member that dies", () => {
  it.each(scripts)("at any point of this loses nothing: $name", { timeout: 120_000 }, async (script) => {
    expect(await playAllPoints(script)).toBeGreaterThan(30);
  });

  it("does the same again at the same point", async () => {
    const once = await linesOf();
    expect(once.some((line) => line.includes("--- torn at effect 20"))).toBe(true);
    expect(await linesOf()).toEqual(once);
  });
});
