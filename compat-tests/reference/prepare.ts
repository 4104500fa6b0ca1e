/** Runs once before the suite: fetches the reference's jars, so that no test's time limit has to pay for the network. */

import { execFileSync } from "node:child_process";
import { classPath } from "./artifacts.ts";
import { image } from "./container.ts";
import { subject } from "./server.ts";

export function setup(): void {
  const isContainer = process.env["COMPAT_REFERENCE"] === "container";
  if (!isContainer) classPath("server");
  const name = isContainer ? `the image ${image}` : `Apache ZooKeeper 3.9.5 on ${javaVersion()}`;
  process.env["COMPAT_REFERENCE_NAME"] = name;
  const whose = subject === "ours" ? "this repository's server" : "the reference itself";
  process.stdout.write(`compared with ${name}: ${whose}\n`);
}

/** The JVM by its own name, as `OpenJDK 17.0.15`. */
function javaVersion(): string {
  const words = ["-XshowSettings:properties", "-version"];
  const output = execFileSync("sh", ["-c", `java ${words.join(" ")} 2>&1`], { encoding: "utf8" });
  const property = (name: string): string => new RegExp(`^\\s*${name} = (.*)$`, "m").exec(output)?.[1]?.trim() ?? "?";
  return `${property("java.vm.name")} ${property("java.version")}`;
}
