/**
 * Clients that we did not write, as a new user gets them: kazoo from PyPI, the C client and its shell from Debian's
 * packages, Java's from Maven. All of them land in the git-ignored cache and are installed nowhere.
 */

import { chmodSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  cached,
  classPath,
  compiledJava,
  type JarSet,
  quickStart,
  repositoryFolder,
  run,
} from "../reference/artifacts.ts";
import { ClientProcess } from "../reference/process.ts";

const kazooVersion = "2.8.0";

/** A scenario of kazoo/outcomes.py against the server at `port`. */
export function kazoo(port: number, scenario: string, ...words: readonly string[]): ClientProcess {
  const library = cached(`kazoo-${kazooVersion}`, (folder) => {
    run("python3", ["-m", "pip", "install", "--quiet", "--target", folder, `kazoo==${kazooVersion}`]);
  });
  const script = join(repositoryFolder, "compat-tests", "client", "kazoo", "outcomes.py");
  return new ClientProcess("python3", [script, `127.0.0.1:${port}`, scenario, ...words], { PYTHONPATH: library });
}

/** The C client's shell, `cli_mt`, reading commands from its input; stdbuf makes it speak line by line into a pipe. */
export function cliMt(port: number): ClientProcess {
  const installed = "/usr/lib/zookeeper/bin/cli_mt";
  if (existsSync(installed)) return new ClientProcess("stdbuf", ["-oL", installed, `127.0.0.1:${port}`]);
  const folder = cached("c-client", unpackCClient);
  const libraries = join(folder, "root", "usr", "lib", "x86_64-linux-gnu");
  const program = join(folder, "root", "usr", "lib", "zookeeper", "bin", "cli_mt");
  return new ClientProcess("stdbuf", ["-oL", program, `127.0.0.1:${port}`], { LD_LIBRARY_PATH: libraries });
}

function unpackCClient(folder: string): void {
  const packages = ["zookeeper-bin", "libzookeeper-mt2"];
  chmodSync(folder, 0o777);
  try {
    run("apt-get", ["download", ...packages], folder);
  } catch {
    run("apt-get", ["update"]);
    run("apt-get", ["download", ...packages], folder);
  }
  const files = readdirSync(folder).filter((name) => name.endsWith(".deb"));
  mkdirSync(join(folder, "root"));
  for (const file of files) run("dpkg", ["-x", join(folder, file), join(folder, "root")]);
}

/** ZooKeeper's console of a release, reading commands from its input. */
export function zkCli(jars: Extract<JarSet, "server" | "client-3.8">, port: number): ClientProcess {
  const words = ["-cp", classPath(jars), "org.apache.zookeeper.ZooKeeperMain", "-server", `127.0.0.1:${port}`];
  return new ClientProcess("java", [...quickStart, "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", ...words]);
}

/** A scenario of curator/CuratorOutcomes.java. */
export function curator(port: number, scenario: string): ClientProcess {
  const source = join(repositoryFolder, "compat-tests", "client", "curator", "CuratorOutcomes.java");
  const words = ["-cp", compiledJava("curator", [source]), "CuratorOutcomes", `127.0.0.1:${port}`, scenario];
  return new ClientProcess("java", [...quickStart, ...words]);
}
