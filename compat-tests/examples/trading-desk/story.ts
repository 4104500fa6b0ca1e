/**
 * A day at the trading desk, chapter by chapter, against one server. README.md beside this file tells what each chapter
 * shows; here is who does what. A chapter ends when everything that it set going has been seen by everybody, so the lines of
 * two runs are the same, whatever the speed of the machine and whichever build the server is.
 */

import { type ActorName, Desk, routers, type Said } from "./desk.ts";
import { judge, type Promised } from "./promises.ts";

interface Chapter {
  readonly title: string;
  /** The server is stopped and started: left out on a server that is not ours. */
  readonly needsServer?: true;
  play(desk: Desk): Promise<void>;
}

/** A chapter as it was played: what the director did, and what the actors said. */
export interface Told {
  readonly title: string;
  readonly remarks: readonly string[];
  readonly said: readonly Said[];
}

export interface Story {
  readonly chapters: readonly Told[];
  readonly promises: readonly Promised[];
}

/** Orders of the stream that the server's crash interrupts. */
const streamLength = 300;

const chapters: readonly Chapter[] = [
  {
    title: "The desk opens",
    async play(desk) {
      desk.enter("risk desk");
      await desk.ask("risk desk", "open", "opened");
      desk.enter("monitor");
      await desk.until("monitor", "watching");
      for (const name of [...routers, "quotes", "momentum"] as const) {
        desk.enter(name);
        await desk.until("monitor", `member ${name} joined`);
      }
      await desk.until("alpha", "role primary");
    },
  },
  {
    title: "Limits and parameters are handed out",
    async play(desk) {
      await desk.ask("risk desk", "add risk-limits max-order=500", "written risk-limits v0");
      await desk.ask("risk desk", "add strategies/momentum window=20", "written strategies/momentum v0");
      await desk.ask("risk desk", "add strategies/quotes spread=3", "written strategies/quotes v0");
      await desk.ask("risk desk", "change strategies/momentum 0 window=50", "written strategies/momentum v1");
      desk.remark("a second change by someone who has not seen the first is refused");
      await desk.ask("risk desk", "change strategies/momentum 0 window=10", "refused strategies/momentum");
      await desk.untilTaken("config", 3);
    },
  },
  {
    title: "Orders become trades",
    async play(desk) {
      await trade(desk, "alpha", "o-1", "ACME buy 100", "10.25");
      await trade(desk, "alpha", "o-2", "ACME sell 500", "10.30");
      await desk.ask("alpha", "order o-3 INIT buy 501", "order o-3 refused");
      desk.remark("a standby takes no orders");
      await desk.ask("bravo", "order o-4 INIT buy 10", "order o-4 refused");
      await desk.untilTaken("trade", 1);
    },
  },
  {
    title: "A limit is lowered while the primary looks away",
    async play(desk) {
      desk.remark("alpha stands still (SIGSTOP) while the limit is lowered, and goes on with an order above it");
      desk.pause("alpha");
      await desk.ask("risk desk", "change risk-limits 0 max-order=300", "written risk-limits v1");
      desk.tell("alpha", "order o-5 ACME buy 400");
      desk.resume("alpha");
      await desk.until("alpha", "order o-5 refused");
      await desk.untilTaken("config", 4);
    },
  },
  {
    title: "The primary is killed",
    async play(desk) {
      await desk.ask("alpha", "order o-6 ACME buy 200", "order o-6 accepted");
      desk.remark("alpha is killed (SIGKILL) with o-6 open");
      await desk.kill("alpha");
      await desk.until("monitor", "member alpha is gone");
      await desk.until("bravo", "role primary");
      await desk.ask("bravo", "fill o-6 10.40", "order o-6 filled");
      desk.remark("the venue repeats a report that alpha had dealt with");
      await desk.ask("bravo", "fill o-2 10.30", "order o-2 filled");
      await trade(desk, "bravo", "o-7", "INIT sell 10", "99.00");
      await desk.untilTaken("trade", 3);
    },
  },
  {
    title: "A primary that was deposed does not know it",
    async play(desk) {
      await desk.ask("bravo", "order o-8 ACME sell 100", "order o-8 accepted");
      desk.remark("bravo stands still (SIGSTOP) with o-8 open, until its session has expired");
      desk.pause("bravo");
      await desk.until("monitor", "member bravo is gone");
      await desk.until("charlie", "role primary");
      await trade(desk, "charlie", "o-9", "INIT buy 20", "98.50");
      desk.remark("bravo goes on, and publishes o-8 at once: it still believes");
      desk.tell("bravo", "fill o-8 10.10");
      desk.resume("bravo");
      await desk.until("bravo", "order o-8 not published");
      await desk.until("bravo", "role standby");
      await desk.until("monitor", "member bravo joined");
      await desk.ask("bravo", "order o-10 ACME buy 1", "order o-10 refused");
      await desk.ask("charlie", "fill o-8 10.10", "order o-8 filled");
      await desk.untilTaken("trade", 5);
    },
  },
  {
    title: "A router leaves in good order",
    async play(desk) {
      desk.remark("bravo closes its session, and is gone at once");
      await desk.leave("bravo");
      await desk.until("monitor", "member bravo is gone");
    },
  },
  {
    title: "Strategies fail and resume where they were",
    async play(desk) {
      desk.remark("momentum is killed (SIGKILL), quotes stands still (SIGSTOP); the desk goes on without them");
      await desk.kill("momentum");
      await desk.until("monitor", "member momentum is gone");
      desk.pause("quotes");
      await desk.until("monitor", "member quotes is gone");
      await desk.ask("risk desk", "change strategies/quotes 0 spread=4", "written strategies/quotes v1");
      await desk.ask("risk desk", "change strategies/quotes 1 spread=5", "written strategies/quotes v2");
      await trade(desk, "charlie", "o-11", "ACME buy 30", "10.15");
      await desk.untilTaken("trade", 6);
      desk.remark("quotes goes on in a new session, momentum as a new process with its old journal");
      desk.resume("quotes");
      await desk.until("monitor", "member quotes joined");
      desk.enter("momentum");
      await desk.until("monitor", "member momentum joined");
      await desk.untilTaken("config", 6);
      await desk.untilTaken("trade", 6);
    },
  },
  {
    title: "The server is stopped and started",
    needsServer: true,
    async play(desk) {
      desk.remark(
        "while the server is away (SIGTERM) a limit is changed, an order accepted and filled: as soon as it is back",
      );
      await desk.server?.stop();
      desk.tell("risk desk", "change risk-limits 1 max-order=400");
      desk.tell("charlie", "order o-12 INIT sell 40");
      desk.tell("charlie", "fill o-12 98.75");
      await desk.server?.start();
      await desk.until("risk desk", "written risk-limits v2");
      await desk.until("charlie", "order o-12 filled");
      await desk.untilTaken("config", 7);
      await desk.untilTaken("trade", 7);
    },
  },
  {
    title: "The server crashes in a stream of orders",
    needsServer: true,
    async play(desk) {
      const last = 12 + streamLength;
      desk.remark(`the server is killed (SIGKILL) in the middle of ${streamLength} orders, and started again`);
      for (let order = 13; order <= last; order++) {
        desk.tell("charlie", `order o-${order} ACME buy ${order}`);
        desk.tell("charlie", `fill o-${order} 10.20`);
      }
      await desk.until("charlie", "order o-40 filled");
      await desk.server?.kill();
      if (desk.hasSaid("charlie", `order o-${last} filled`)) throw new Error("the crash came too late to interrupt");
      desk.tell("risk desk", "change risk-limits 2 max-order=350");
      await desk.server?.start();
      await desk.until("risk desk", "written risk-limits v3");
      await desk.until("charlie", `order o-${last} filled`);
      await desk.untilTaken("config", 8);
      await desk.untilTaken("trade", 7 + streamLength);
    },
  },
  {
    title: "An auditor reads everything from the beginning",
    async play(desk) {
      const isWhole = desk.server !== null;
      desk.enter("auditor");
      await desk.until("monitor", "member auditor joined");
      await desk.untilTaken("config", isWhole ? 8 : 6, ["auditor"]);
      await desk.untilTaken("trade", isWhole ? 7 + streamLength : 6, ["auditor"]);
    },
  },
  {
    title: "The desk closes",
    async play(desk) {
      for (const name of ["auditor", "momentum", "quotes", "charlie"] as const) {
        await desk.leave(name);
        await desk.until("monitor", `member ${name} is gone`);
      }
      await desk.leave("monitor");
      await desk.ask("risk desk", "clear", "cleared");
      await desk.leave("risk desk");
    },
  },
];

/** The titles in the order of the day. */
export const titles: readonly string[] = chapters.map(({ title }) => title);

/**
 * Plays the story, calling `hear` after each chapter.
 * @throws Error when somebody does not say what the story waits for; its message tells who, what, and what was said.
 */
export async function play(desk: Desk, hear: (chapter: Told) => void = () => {}): Promise<Story> {
  const told: Told[] = [];
  try {
    for (const chapter of chapters) {
      const isLeftOut = chapter.needsServer === true && desk.server === null;
      if (isLeftOut) desk.remark("left out: this server is not ours to stop");
      else await chapter.play(desk);
      told.push({ title: chapter.title, ...desk.endChapter() });
      hear(told.at(-1)!);
    }
    return { chapters: told, promises: judge(desk) };
  } catch (error) {
    desk.dispose(); // or members would make anew what is cleared away
    await desk.clear().catch(() => {}); // what broke off the story may stand in the way of this too
    throw error;
  } finally {
    desk.dispose();
  }
}

/** An order and its fill, both confirmed. */
async function trade(desk: Desk, router: ActorName, id: string, order: string, price: string): Promise<void> {
  await desk.ask(router, `order ${id} ${order}`, `order ${id} accepted`);
  await desk.ask(router, `fill ${id} ${price}`, `order ${id} filled`);
}

/** Longer runs of lines are told by their ends. */
const runLengthMax = 12;

/** The chapter as it is printed. */
export function textOf({ title, remarks, said }: Told): string {
  const lines = [title, ...remarks.map((remark) => `  * ${remark}`)];
  for (const { actors, lines: words } of said) {
    lines.push(`  ${actors.join(", ")}`, ...shortened(words).map((line) => `    ${line}`));
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** A promise as it is printed. */
export function verdictOf({ says, broken }: Promised): string {
  return [`${broken.length === 0 ? "kept" : "BROKEN"}: ${says}`, ...broken.map((line) => `  ${line}`)]
    .map((line) => `${line}\n`)
    .join("");
}

function shortened(lines: readonly string[]): string[] {
  if (lines.length <= runLengthMax) return [...lines];
  return [...lines.slice(0, 2), `... ${lines.length - 4} more ...`, ...lines.slice(-2)];
}
