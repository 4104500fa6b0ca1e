/** Curator 5.9 on ZooKeeper's 3.9 client: its recipes give the same outcomes on both servers. */

import { expect, test } from "vitest";
import { pairOfServers } from "../wire/pair.ts";
import { curator } from "./programs.ts";

const pair = pairOfServers({ config: { extendedTypesEnabled: "true" } });

test.each(["framework", "locks", "leaders", "caches", "nodes", "barriers", "counters", "queues"])(
  "Curator sees the same of both servers: %s",
  async (scenario) => {
    const expected = await curator(pair.reference.port, scenario).end();
    const found = await curator(pair.subject.port, scenario).end();
    expect(expected.length).toBeGreaterThan(1);
    expect(found).toEqual(expected);
  },
);
