/** The trading desk's day is the same on both servers, line by line, and on each of them every promise is kept. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import { timed } from "../reporting/cases.ts";
import { promises } from "./trading-desk/promises.ts";
import { onStage } from "./trading-desk/stage.ts";
import { play, type Story, textOf, titles, verdictOf } from "./trading-desk/story.ts";

const dayMs = 300_000;

let expected: Story;
let found: Story;

async function playOn(build: Build): Promise<Story> {
  return timed(build, () => onStage(build, (desk) => play(desk)));
}

beforeAll(async () => {
  [expected, found] = await Promise.all([playOn("reference"), playOn(subject)]);
}, dayMs);

test.each(titles)("%s: the same on both servers", (title) => {
  const chapterOf = (story: Story): unknown => story.chapters.find((chapter) => chapter.title === title);
  expect(chapterOf(expected)).toBeDefined();
  expect(chapterOf(found)).toEqual(chapterOf(expected));
});

test.each(promises)("%s, on both servers", (says) => {
  const brokenIn = (story: Story): unknown => story.promises.find((promised) => promised.says === says)?.broken;
  expect(brokenIn(expected)).toEqual([]);
  expect(brokenIn(found)).toEqual([]);
});

test("story.txt is the day as it is printed", () => {
  const text = [...found.chapters.map((chapter) => `${textOf(chapter)}\n`), ...found.promises.map(verdictOf)].join("");
  expect(text).toBe(readFileSync(join(import.meta.dirname, "trading-desk", "story.txt"), "utf8"));
});
