import { describe, expect, it } from "vitest";
import { flagNotes, flagWords, parseJavaFlags } from "#config/java-flags.ts";

describe("Java flags", () => {
  it("come from SERVER_JVMFLAGS before JVMFLAGS, split at blanks and nothing else", () => {
    expect(flagWords({ JVMFLAGS: "-Dc=3\n-Dd=a\\ b", SERVER_JVMFLAGS: " -Da='1  2'\t-Db " })).toEqual([
      "-Da='1",
      "2'",
      "-Db",
      "-Dc=3",
      "-Dd=a\\",
      "b",
    ]);
    expect(flagWords({})).toEqual([]);
  });

  it("are properties, flags of a JVM, or something else", () => {
    const words = [
      "-Da=1",
      "-Da=2",
      "-D",
      "-Xmx1g",
      "-XX:+UseG1GC",
      "-javaagent:/a.jar",
      "-server",
      "start",
      "-x",
      "--add-opens=a",
    ];
    const flags = parseJavaFlags(words);
    expect([...flags.properties]).toEqual([["a", "2"]]);
    expect(flags.ignored).toEqual(["-Xmx1g", "-XX:+UseG1GC", "-javaagent:/a.jar", "-server", "--add-opens=a"]);
    expect(flags.rest).toEqual(["-D", "start", "-x"]);
  });

  it("are named once when they mean nothing, and when quotes became part of a value", () => {
    expect(flagNotes(parseJavaFlags(["-Xmx1g", "-server", '-Da="x"', "-Db=x"])).map(({ text }) => text)).toEqual([
      "JVM flags have no effect here: -Xmx1g -server: there is no JVM",
      "-Da: the quotes around its value are part of the value, as they are under zkServer.sh",
    ]);
    expect(flagNotes(parseJavaFlags(["start"]))).toEqual([]);
  });
});
