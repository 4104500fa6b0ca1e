/**
 * The table of Java system properties, from which ZooKeeper takes most of its settings. It is filled from `-Dname=value`
 * flags, then by the catch-all of zoo.cfg: a key that the parser does not know becomes `zookeeper.KEY` and overrides
 * the flag.
 *
 * Always: reading is as lenient as Java's own readers. A number that cannot be read silently gives the default there;
 * here it gives the default and a note. A boolean is true for `true` in any case and false for anything else.
 * Source: Integer.getInteger, Long.getLong, Boolean.getBoolean, QuorumPeerConfig.parseProperties.
 */

import { decodeJavaInt, decodeJavaLong, parseJavaBoolean, parseJavaDouble, parseJavaInt } from "#base/java-values.ts";
import type { ConfigNote } from "./notes.ts";

/** A property's value and the line of zoo.cfg that set it; line 0 for a `-D` flag. */
export interface Property {
  readonly value: string;
  readonly line: number;
}

/** Part of every name that comes out of zoo.cfg. */
export const propertyPrefix = "zookeeper.";

/** The property table with Java's lenient readers; remembers which names were read, and notes what it could not read. */
export class SystemProperties {
  readonly #table: Map<string, Property>;
  readonly #notes: ConfigNote[];
  readonly #namesRead = new Set<string>();

  /** Starts from `-D` flags; what readers have to say is appended to `notes`. */
  constructor(flags: ReadonlyMap<string, string>, notes: ConfigNote[]) {
    this.#table = new Map([...flags].map(([name, value]) => [name, { value, line: 0 }]));
    this.#notes = notes;
  }

  set(name: string, value: string, line: number): void {
    this.#table.set(name, { value, line });
  }

  /** Names that any reader was asked for: what the server reads is what it honours. */
  get namesRead(): ReadonlySet<string> {
    return this.#namesRead;
  }

  /** All properties, in the order in which they were first set. */
  entries(): IterableIterator<[string, Property]> {
    return this.#table.entries();
  }

  /** The property, or null when it is not set. */
  get(name: string): Property | null {
    this.#namesRead.add(name);
    return this.#table.get(name) ?? null;
  }

  /** `System.getProperty(name, fallback)`. */
  text(name: string, fallback: string): string {
    return this.get(name)?.value ?? fallback;
  }

  /** `Integer.getInteger(name, fallback)`. */
  int(name: string, fallback: number): number {
    return this.#number(name, fallback, decodeJavaInt, lenientNumbers);
  }

  /** `Long.getLong(name, fallback)`. */
  long(name: string, fallback: number): number {
    return this.#number(name, fallback, decodeJavaLong, lenientNumbers);
  }

  /** `Integer.parseInt` of the property, the fallback when that fails: for settings that Java reads by hand. */
  decimal(name: string, fallback: number): number {
    return this.#number(name, fallback, parseJavaInt, "a decimal number");
  }

  /** `Double.parseDouble` of the property, the fallback when that fails. */
  double(name: string, fallback: number): number {
    return this.#number(name, fallback, parseJavaDouble, "a number such as 0.02");
  }

  /** `Boolean.parseBoolean(System.getProperty(name, fallback))`; with a fallback of false, `Boolean.getBoolean(name)`. */
  boolean(name: string, fallback: boolean): boolean {
    const property = this.get(name);
    if (property === null) return fallback;
    const value = parseJavaBoolean(property.value);
    if (!value && property.value.toLowerCase() !== "false") {
      this.#warn(name, property, `${name}=${property.value} means false: only true, in any case, is true`);
    }
    return value;
  }

  /** Whether the property is exactly `word`; notes a value that is neither `word` nor `opposite`. */
  isWord(name: string, word: string, opposite: string): boolean {
    const property = this.get(name);
    if (property !== null && property.value !== word && property.value !== opposite) {
      this.#warn(name, property, `${name}=${property.value} means ${opposite}: only ${word} switches it`);
    }
    return property?.value === word;
  }

  /** Notes that a value was read but not used as it stands. */
  correct(name: string, text: string): void {
    const property = this.#table.get(name);
    if (property !== undefined) this.#warn(name, property, text);
  }

  #number(name: string, fallback: number, parse: (text: string) => number | null, valid: string): number {
    const property = this.get(name);
    if (property === null) return fallback;
    const value = parse(property.value);
    if (value === null) {
      const text = `${name}=${property.value} is not a number, so the default of ${fallback} holds; valid is ${valid}`;
      this.#warn(name, property, text);
      return fallback;
    }
    if (/^[+-]?0[0-7]+$/.test(property.value) && parse !== parseJavaInt && parse !== parseJavaDouble) {
      this.#warn(name, property, `${name}=${property.value} is octal and means ${value}, as in Java`);
    }
    return value;
  }

  #warn(name: string, property: Property, text: string): void {
    this.#notes.push({ level: "warn", line: property.line, key: name, text });
  }
}

const lenientNumbers = "a number: decimal, 0x hexadecimal, or octal with a leading 0";

const secretKey = /(password|passwd|superdigest|superpassword)$/i;

/** Whether a key's value must never be printed: passwords, and the digest of the super user. Paths to them may be. */
export function isSecret(key: string): boolean {
  return secretKey.test(key);
}
