/** Where the story is played: on a server that is started for it, or on one that runs already. */

import { randomBytes } from "node:crypto";
import { type Build, TestServer } from "../../reference/server.ts";
import { Desk } from "./desk.ts";

/** A build, started here, or `HOST:PORT` of a server that runs. */
export type Place = Build | { readonly address: string };

/** The desk's sessions have 8, 12 or 40 seconds. The server looks for expired ones every tick. */
const config = { tickTime: 500, maxSessionTimeout: 40_000 };

/** Gives `work` a desk without actors, and removes the server afterwards if it was started here. */
export async function onStage<Result>(place: Place, work: (desk: Desk) => Promise<Result>): Promise<Result> {
  if (typeof place !== "string") {
    return work(new Desk(`${place.address}/trading-desk-${randomBytes(4).toString("hex")}`, null));
  }
  const server = await new TestServer(place, { config }).start();
  try {
    return await work(new Desk(`127.0.0.1:${server.port}/desk`, server));
  } finally {
    await server.dispose();
  }
}
