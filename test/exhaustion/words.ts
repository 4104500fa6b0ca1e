/** Four-letter words without end: operators' questions are answered in slices, and cost others little. */

import type { Attack, Values } from "./attack.ts";
import { openSessions, RawSocket, resetAll, until } from "./raw-socket.ts";
import type { Stage } from "./stage.ts";

const idleSessions = 200;

/** Asks again as soon as it is answered, by so many at once, for that long. */
export async function floodWords(
  port: number,
  words: readonly string[],
  atOnce: number,
  forMs: number,
): Promise<Values> {
  const fromMs = performance.now();
  let attempts = 0;
  let replies = 0;
  const open = new Set<RawSocket>();
  const ask = (): void => {
    if (performance.now() - fromMs > forMs) return;
    const socket = new RawSocket(port);
    open.add(socket);
    socket.onOver = () => {
      open.delete(socket);
      if (socket.bytesReceived > 0) replies++;
      ask();
    };
    socket.write(Buffer.from(words[attempts++ % words.length]!));
  };
  for (let i = 0; i < atOnce; i++) ask();
  await until(() => open.size === 0, forMs + 10_000);
  return {
    attempts,
    replies,
    perSecond: (replies / (performance.now() - fromMs)) * 1000,
    unanswered: attempts - replies,
  };
}

async function floodOf(stage: Stage, words: readonly string[]): Promise<Values> {
  const server = await stage.server();
  const idle = await openSessions(server.port, idleSessions);
  const values = await stage.beside(server, () => floodWords(server.port, words, 20, stage.pick(700, 15_000)));
  resetAll(idle);
  return values;
}

const limits: Attack["limits"] = () => [
  { measure: "unanswered", atMost: 0 },
  // What connections leave to the garbage collector, which is in no hurry.
  { measure: "grownMb", atMost: 100 },
];

export const wordAttacks: readonly Attack[] = [
  {
    name: "flood of words",
    about: "ruok, srvr and mntr, asked again by twenty as soon as they are answered",
    limits,
    run: (stage) => floodOf(stage, ["ruok", "srvr", "mntr"]),
  },
  {
    name: "flood of long words",
    about:
      "cons, dump and wchc, which list hundreds of sessions, and conf and dirs, which look at folders: asked likewise",
    limits,
    run: (stage) => floodOf(stage, ["cons", "dump", "wchc", "conf", "dirs"]),
  },
];
