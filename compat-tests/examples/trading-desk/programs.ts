/**
 * The desk's programs as processes: Java compiled against Curator, Python on kazoo, C on libzookeeper_mt. Their libraries are fetched
 * into the git-ignored `.reference/` on first use, and installed nowhere.
 */

import { join } from "node:path";
import { compiledJava, quickStart } from "../../reference/artifacts.ts";
import { compiledC, withKazoo } from "../../reference/libraries.ts";
import { ClientProcess } from "../../reference/process.ts";

const folder = import.meta.dirname;

/** Starts java/OrderRouter.java. */
export function orderRouter(hosts: string, name: string, sessionSeconds: number): ClientProcess {
  const sources = ["OrderRouter", "SequenceFollower", "Settings"].map((file) => join(folder, "java", `${file}.java`));
  return new ClientProcess("java", [
    ...quickStart,
    "-cp",
    compiledJava("curator", sources),
    "OrderRouter",
    hosts,
    name,
    String(sessionSeconds),
  ]);
}

/** Starts a program of python/. */
export function python(program: "monitor" | "risk_desk" | "strategy", ...words: readonly string[]): ClientProcess {
  return new ClientProcess("python3", [join(folder, "python", `${program}.py`), ...words], withKazoo("2.11.0"));
}

/** Starts c/quotes.c. */
export function quotes(hosts: string, name: string): ClientProcess {
  return new ClientProcess(compiledC("quotes", [join(folder, "c", "quotes.c")]), [hosts, name]);
}
