/**
 * The desk's programs as processes: Java compiled against Curator, Python on kazoo, C on libzookeeper_mt. Their libraries are fetched
 * into the git-ignored `.reference/` on first use, and installed nowhere.
 */

import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cached, compiledJava, quickStart, run } from "../../reference/artifacts.ts";
import { ClientProcess } from "../../reference/process.ts";

const kazooVersion = "2.11.0";
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
  const library = cached(`kazoo-${kazooVersion}`, (target) => {
    run("python3", ["-m", "pip", "install", "--quiet", "--target", target, `kazoo==${kazooVersion}`]);
  });
  return new ClientProcess("python3", [join(folder, "python", `${program}.py`), ...words], {
    PYTHONPATH: library,
    PYTHONDONTWRITEBYTECODE: "1",
  });
}

/** Starts c/quotes.c. */
export function quotes(hosts: string, name: string): ClientProcess {
  return new ClientProcess(compiledQuotes(), [hosts, name]);
}

/** The program, compiled once for each content of its source. */
function compiledQuotes(): string {
  const source = join(folder, "c", "quotes.c");
  const root = join(cached("trading-desk/c-library", unpackCLibrary), "root", "usr");
  const libraries = join(root, "lib", run("gcc", ["-print-multiarch"]).trim());
  const mark = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 12);
  const compiled = cached(`trading-desk/quotes-${mark}`, (target) => {
    const warnings = ["-Wall", "-Wextra", "-Werror"];
    const places = ["-I", join(root, "include"), "-L", libraries, `-Wl,-rpath,${libraries}`];
    const output = ["-lzookeeper_mt", "-o", join(target, "quotes")];
    run("gcc", ["-O2", "-pthread", "-DTHREADED", ...warnings, source, ...places, ...output]);
  });
  return join(compiled, "quotes");
}

/** Debian's packages of the C client, library and headers. */
function unpackCLibrary(target: string): void {
  const packages = ["libzookeeper-mt2", "libzookeeper-mt-dev"];
  chmodSync(target, 0o777); // apt-get downloads as a user of its own
  try {
    run("apt-get", ["download", ...packages], target);
  } catch {
    run("apt-get", ["update"]);
    run("apt-get", ["download", ...packages], target);
  }
  mkdirSync(join(target, "root"));
  for (const file of readdirSync(target).filter((name) => name.endsWith(".deb"))) {
    run("dpkg", ["-x", join(target, file), join(target, "root")]);
  }
}
