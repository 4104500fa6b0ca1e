/**
 * A session that its client takes to another member, while the connection that it leaves behind still speaks: what that is
 * answered, or whether it is cut off, is the same on both builds, whichever of the two members leads.
 */

import { expect, test } from "vitest";
import { type Build, subject } from "../reference/server.ts";
import {
  closeSession,
  create,
  createTtl,
  exists,
  flag,
  getChildren,
  multi,
  multiRead,
  ping,
  reconfig,
  remove,
  type Request,
  setData,
  sync,
} from "../wire/requests.ts";
import { type EnsembleSettings, TestEnsemble } from "./ensemble.ts";

/** Server 3 leads. */
const ways: readonly { readonly name: string; readonly from: number; readonly to: number }[] = [
  { name: "from the leader to a follower", from: 3, to: 1 },
  { name: "from a follower to the leader", from: 1, to: 3 },
  { name: "from a follower to another", from: 1, to: 2 },
];

const change = reconfig({ joining: null, leaving: "2", members: null, version: -1n });

const said: readonly (readonly Request[])[] = [
  [ping],
  [exists("/")],
  [getChildren("/")],
  [multiRead(exists("/"))],
  [sync("/")],
  [create("/moved")],
  [setData("/", "x")],
  [multi(setData("/", "x"))],
  [create("/moved", { flags: flag.ephemeral })],
  [remove(null)],
  // What ZooKeeper looks at before it looks for the session.
  [create("/moved", { flags: 77 })],
  [createTtl("/moved", 1000)],
  [multi(create("/moved", { flags: 77 }))],
  [multi()],
  [change],
  [closeSession],
];

interface Scene {
  readonly from: number;
  readonly to: number;
  readonly said: readonly (readonly Request[])[];
  readonly config?: NonNullable<EnsembleSettings["config"]>;
}

/** What each of the connections left behind hears, as lines. */
async function answers(build: Build, { from, to, said, config = {} }: Scene): Promise<string[]> {
  const ensemble = await TestEnsemble.start({ builds: [build, build, build], config });
  try {
    expect(await ensemble.leader()).toBe(3);
    const lines: string[] = [];
    for (const requests of said) {
      const old = await ensemble.visit(from);
      const { id: sessionId, password } = old.session;
      const moved = await ensemble.visit(to, { sessionId, password });
      await moved.ask(sync("/"));
      const replies = await old.pipeline(requests);
      lines.push(
        `${requests.map(({ title }) => title).join()}: ${replies.map((reply) => reply?.err ?? "closed").join()}`,
      );
      // Where it went it is alive, whatever became of the other connection, unless it was closed.
      lines.push(`then: ${(await moved.ask(sync("/")))?.err ?? "closed"}`);
      old.connection.cut();
      moved.connection.cut();
    }
    return lines;
  } finally {
    await ensemble.dispose();
  }
}

test.each(ways)("a session goes $name", { timeout: 120_000 }, async (way) => {
  const scene = { ...way, said };
  expect(await answers(subject, scene)).toEqual(await answers("reference", scene));
});

test.each(ways)("and asks for a change of the members, $name", { timeout: 120_000 }, async (way) => {
  const scene = { ...way, said: [[change]], config: { reconfigEnabled: "true" } };
  expect(await answers(subject, scene)).toEqual(await answers("reference", scene));
});
