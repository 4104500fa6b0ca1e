/**
 * Ensembles of ours and the reference in every mixture of three, some of five, with observers, and with a release of the line
 * before. Members are written by sid: `o` is ours, `r` the reference.
 *
 * In three servers every member leads once, and is brought up to date by another one:
 *
 *   all start             3 leads: with equal histories the highest sid wins
 *   3 is killed           2 leads
 *   2 is killed, 3 starts 1 leads: its history is longer than 3's
 *   2 starts
 */

import { test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import { isShort } from "../shard.ts";
import { type EnsembleSettings, TestEnsemble } from "./ensemble.ts";
import { Journey } from "./journey.ts";

const timeoutMs = 180_000;

/** `--shard ci` plays those that are named first, in which each build leads and follows the other. */
function mixtures(first: readonly string[], ...others: readonly string[]): readonly string[] {
  return isShort ? first : [...first, ...others];
}

function buildsOf(word: string): Build[] {
  return word.split("").map((letter) => (letter === "o" ? subject : "reference"));
}

/** Starts an ensemble and travels through it. */
async function travel(
  settings: EnsembleSettings,
  play: (ensemble: TestEnsemble, journey: Journey) => Promise<void>,
): Promise<void> {
  const ensemble = await TestEnsemble.start(settings);
  try {
    const journey = await Journey.begin(ensemble);
    await play(ensemble, journey);
    await journey.end();
  } finally {
    await ensemble.dispose();
  }
}

async function everybodyLeads(ensemble: TestEnsemble, journey: Journey): Promise<void> {
  await journey.stage("first", 3);
  await ensemble.member(3).kill();
  await journey.stage("second", 2);
  await ensemble.member(2).kill();
  await ensemble.launch(3);
  await journey.stage("third", 1);
  await ensemble.launch(2);
  await journey.stage("fourth", 1);
}

test.each(mixtures(["ror", "oro", "ooo"], "orr", "rro", "oor", "roo"))(
  "three servers, %s",
  { timeout: timeoutMs },
  (word) => travel({ builds: buildsOf(word) }, everybodyLeads),
);

test.each(mixtures(["rooro"], "orror", "ooooo"))(
  "five servers, %s: two are lost at a time",
  { timeout: timeoutMs },
  (word) =>
    travel({ builds: buildsOf(word) }, async (ensemble, journey) => {
      await journey.stage("first", 5);
      await Promise.all([ensemble.member(5).kill(), ensemble.member(1).kill()]);
      await journey.stage("second", 4);
      await ensemble.member(4).stop();
      await ensemble.launch(1, 5);
      await journey.stage("third", 3);
      await ensemble.launch(4);
      await journey.stage("fourth", 3);
    }),
);

test.each(mixtures(["orro"], "oror", "oooo"))("three servers and an observer, %s", { timeout: timeoutMs }, (word) =>
  travel({ builds: buildsOf(word), observers: 1 }, async (ensemble, journey) => {
    await journey.stage("first", 3);
    await ensemble.member(4).kill();
    await journey.stage("second", 3);
    await ensemble.launch(4);
    await ensemble.member(3).kill();
    await journey.stage("third", 2);
    await ensemble.launch(3);
    await journey.stage("fourth", 2);
  }),
);

test.each(mixtures(["oro"], "orr", "roo"))(
  "three servers, the reference's of 3.8.0, %s",
  { timeout: timeoutMs },
  (word) => travel({ builds: buildsOf(word), jars: "server-3.8" }, everybodyLeads),
);
