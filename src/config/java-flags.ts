/**
 * The flags of a Java command line, as scripts and harnesses pass them to a ZooKeeper server: `-Dname=value` fills the
 * table of system properties, everything else that starts a JVM (`-Xmx1g`, `-XX:+UseG1GC`, `-javaagent:...`, `-server`)
 * means nothing to us and is named once.
 *
 *   SERVER_JVMFLAGS   first, then
 *   JVMFLAGS          which wins on a repeated name, as under zkServer.sh, then
 *   argv              our own command line, which wins over both
 *
 * Always: the two variables are split as zkServer.sh has them split, by an unquoted expansion: at blanks, tabs and line
 * ends, with quotes kept as plain characters. A quote inside a value is therefore part of it, and gets a warning.
 * Source: zkServer.sh, zkEnv.sh.
 */

import type { ConfigNote } from "./notes.ts";

/** The flags found among some words, and the words that were none. */
export interface JavaFlags {
  /** `-D` properties by their real names; a repeated name keeps its last value. */
  readonly properties: ReadonlyMap<string, string>;
  /** JVM flags that have no meaning here, in order. */
  readonly ignored: readonly string[];
  readonly rest: readonly string[];
}

/** The words of SERVER_JVMFLAGS, then of JVMFLAGS. */
export function flagWords(env: Readonly<Record<string, string | undefined>>): string[] {
  return [env["SERVER_JVMFLAGS"] ?? "", env["JVMFLAGS"] ?? ""].flatMap((flags) =>
    flags.split(/[ \t\n]+/).filter((word) => word !== ""),
  );
}

/** Sorts words into properties, flags without meaning, and the rest. `-Dname` alone gives the property an empty value. */
export function parseJavaFlags(words: readonly string[]): JavaFlags {
  const properties = new Map<string, string>();
  const ignored: string[] = [];
  const rest: string[] = [];
  for (const word of words) {
    if (/^-D./.test(word)) {
      const equals = word.indexOf("=");
      properties.set(word.slice(2, equals < 0 ? undefined : equals), equals < 0 ? "" : word.slice(equals + 1));
    } else if (/^(-X.|-javaagent:|-agentlib:|-agentpath:|-verbose|-server$|-ea\b|-da\b|--add-)/.test(word)) {
      ignored.push(word);
    } else {
      rest.push(word);
    }
  }
  return { properties, ignored, rest };
}

/** What there is to say about the flags themselves. */
export function flagNotes(flags: JavaFlags): ConfigNote[] {
  const notes: ConfigNote[] = [];
  if (flags.ignored.length > 0) {
    const text = `JVM flags have no effect here: ${flags.ignored.join(" ")}: there is no JVM`;
    notes.push({ level: "info", line: 0, key: "", text });
  }
  for (const [name, value] of flags.properties) {
    if (!/^(["']).*\1$/.test(value)) continue;
    const text = `-D${name}: the quotes around its value are part of the value, as they are under zkServer.sh`;
    notes.push({ level: "warn", line: 0, key: name, text });
  }
  return notes;
}
