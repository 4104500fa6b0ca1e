/**
 * Changes of configuration files: by lines, keys and values more than by bytes, with the words that the grammar of properties
 * files and of members is made of, and with numbers at the ends of what Java's types hold.
 */

import { below, mutateBytes, type MutationSources, pick } from "./mutate-bytes.ts";

const values = [
  "",
  "0",
  "-1",
  "1",
  "2",
  "3",
  "true",
  "false",
  "TRUE",
  "yes",
  "2147483647",
  "-2147483648",
  "2147483648",
  "99999999999",
  "9223372036854775807",
  "-9223372036854775808",
  "9223372036854775808",
  "0x10",
  "1e3",
  "1.5",
  "NaN",
  "+5",
  " 7 ",
  "１２",
  "none",
  "*",
  "/",
  ".",
  "..",
  "a,b",
  ";",
  ":",
  "::1",
  "[::1]:2:3",
  "h:1:2",
  "h:1:2:observer;4",
  "h:1:2|g:3:4;5",
  "\\",
];
const pieces = [
  "\n",
  "\r",
  "\r\n",
  "\f",
  "\t",
  " ",
  "=",
  ":",
  "#",
  "!",
  "\\",
  "\\\n",
  "\\u0041",
  "\\u00e9",
  "\\u12",
  "\\uzzzz",
  "\\t",
  "\0",
  "\u00e9",
  "\u00ff",
  "|",
  ";",
  ",",
  ".",
  "[",
  "]",
  "-",
  "1",
  "server.",
  "group.",
  "weight.",
  "version=",
];

/** Changes a text in one to a few places. */
export function mutateText(input: Buffer, sources: MutationSources, bytesMax: number): Buffer {
  const { dice } = sources;
  if (dice.next() < 0.2) return mutateBytes(input, sources, bytesMax);
  let lines = input.toString("latin1").split(/(?<=\n)/);
  for (let left = 1 + below(dice, 4); left > 0; left--) lines = pick(dice, changes)(lines, sources);
  return Buffer.from(lines.join(""), "latin1").subarray(0, bytesMax);
}

type Change = (lines: string[], sources: MutationSources) => string[];

function atSomeLine(change: (line: string, sources: MutationSources) => string): Change {
  return (lines, sources) => {
    const at = below(sources.dice, lines.length);
    return lines.with(at, change(lines[at]!, sources));
  };
}

function lineOf(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

const changes: readonly Change[] = [
  (lines, { dice }) => lines.toSpliced(below(dice, lines.length), lines.length > 1 ? 1 : 0),
  (lines, { dice }) => [...lines.map(lineOf), pick(dice, lines)],
  (lines, { dice }) => lines.map(lineOf).sort(() => dice.next() - 0.5),
  (lines, { dice, words }) => {
    if (words.length === 0) return lines;
    return [...lines.map(lineOf), `${pick(dice, words).toString("latin1")}=${pick(dice, values)}\n`];
  },
  (lines, { dice, corpus }) => [
    ...lines.map(lineOf),
    pick(
      dice,
      pick(dice, corpus)
        .toString("latin1")
        .split(/(?<=\n)/),
    ),
  ],
  atSomeLine((line, { dice }) => line.replace(/[=:].*/, () => `=${pick(dice, values)}`)),
  atSomeLine((line, { dice }) => line.replace(/\d+/, () => pick(dice, values))),
  atSomeLine((line, { dice, words }) => {
    return words.length === 0 ? line : line.replace(/^[^=]*/, () => pick(dice, words).toString("latin1"));
  }),
  atSomeLine((line, { dice }) => {
    const at = below(dice, line.length + 1);
    return line.slice(0, at) + pick(dice, pieces) + line.slice(at);
  }),
  atSomeLine((line, { dice }) => {
    const at = below(dice, line.length + 1);
    return line.slice(0, at) + line.slice(at + 1 + below(dice, 4));
  }),
  atSomeLine((line, { dice }) => {
    const at = below(dice, line.length + 1);
    return line + line.slice(at, at + below(dice, line.length));
  }),
];
