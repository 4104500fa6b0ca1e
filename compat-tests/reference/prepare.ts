/** Runs once before the suite: fetches the reference's jars, so that no test's time limit has to pay for the network. */

import { classPath } from "./artifacts.ts";
import { subject } from "./server.ts";

export function setup(): void {
  if (process.env["COMPAT_REFERENCE"] !== "container") classPath("server");
  process.stdout.write(`comparing ${subject} with Apache ZooKeeper 3.9.5\n`);
}
