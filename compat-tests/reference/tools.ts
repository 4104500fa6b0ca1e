/**
 * Programs that the suite uses and the machine may lack. On a Debian machine, as root, what is missing is installed from
 * Debian's packages; elsewhere the suite names it in one line and counts the part as not run.
 */

import { execFileSync } from "node:child_process";
import { isInstalled } from "./artifacts.ts";

interface Recipe {
  /** A program and a word that make it say that it is there. */
  readonly probe: readonly [program: string, ...words: string[]];
  /** Debian packages that bring it; none when nothing does. */
  readonly packages: readonly string[];
}

export type Tool = "java" | "mvn" | "pip" | "go" | "gcc" | "ip" | "apt-get";

const recipes: Readonly<Record<Tool, Recipe>> = {
  java: { probe: ["javac", "-version"], packages: ["openjdk-17-jdk-headless"] },
  mvn: { probe: ["mvn", "-version"], packages: ["maven"] },
  pip: { probe: ["python3", "-m", "pip", "--version"], packages: ["python3", "python3-pip"] },
  go: { probe: ["go", "version"], packages: ["golang-go"] },
  gcc: { probe: ["gcc", "--version"], packages: ["gcc", "libc6-dev"] },
  ip: { probe: ["ip", "-V"], packages: ["iproute2"] },
  "apt-get": { probe: ["apt-get", "--version"], packages: [] },
};

function isThere(tool: Tool): boolean {
  const [program, ...words] = recipes[tool].probe;
  return isInstalled(program, ...words);
}

/**
 * Installs what is missing, if the machine allows it.
 * @returns the tools that are still missing, each with how to get it.
 */
export function missingTools(wanted: Iterable<Tool>): Map<Tool, string> {
  const missing = [...new Set(wanted)].filter((tool) => !isThere(tool));
  const packages = missing.flatMap((tool) => recipes[tool].packages);
  if (packages.length > 0 && process.getuid?.() === 0 && isThere("apt-get")) install(packages);
  return new Map(missing.filter((tool) => !isThere(tool)).map((tool) => [tool, adviceFor(tool)]));
}

function adviceFor(tool: Tool): string {
  const { packages } = recipes[tool];
  return packages.length === 0 ? `${tool}: a Debian machine has it` : `${tool}: apt-get install ${packages.join(" ")}`;
}

function install(packages: readonly string[]): void {
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const words = ["install", "--yes", "--quiet=2", "--no-install-recommends", ...packages];
  try {
    execFileSync("apt-get", ["update", "--quiet=2"], { stdio: "inherit", env: environment });
    execFileSync("apt-get", words, { stdio: "inherit", env: environment });
  } catch {
    // What could not be installed is still missing, and is named as such.
  }
}
