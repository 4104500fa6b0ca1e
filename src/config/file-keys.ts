/**
 * The strict half of zoo.cfg: the keys that ZooKeeper's parser reads itself, the last of equal ones, each with the line
 * it stands on. A value that does not fit refuses to start, with ZooKeeper's own words and what would be valid.
 * Source: QuorumPeerConfig.parseProperties, parseBoolean.
 */

import { ConfigError } from "#base/errors.ts";
import { javaTrim, parseJavaInt, parseJavaLong } from "#base/java-values.ts";
import type { PropertyEntry } from "#base/java-properties.ts";

/** The keys of one file, trimmed, by name. */
export class FileKeys {
  readonly file: string;
  readonly #entries: ReadonlyMap<string, PropertyEntry>;

  constructor(entries: readonly PropertyEntry[], file: string) {
    this.file = file;
    this.#entries = new Map(
      entries.map((entry) => {
        const key = javaTrim(entry.key);
        return [key, { key, value: javaTrim(entry.value), line: entry.line, lastLine: entry.lastLine }];
      }),
    );
  }

  /** One entry per key, the last one given. */
  entries(): IterableIterator<PropertyEntry> {
    return this.#entries.values();
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Line of the key; 0 when the file does not have it. */
  line(key: string): number {
    return this.#entries.get(key)?.line ?? 0;
  }

  /** The value, or null when the file does not have the key. */
  text(key: string): string | null {
    return this.#entries.get(key)?.value ?? null;
  }

  /** @throws ConfigError unless the value is a decimal 32-bit integer, not below `min` where one is given. */
  int(key: string, fallback: number, min: number = -(2 ** 31)): number {
    const text = this.text(key);
    if (text === null) return fallback;
    const value = parseJavaInt(text);
    if (value === null) throw this.#notANumber(key, text);
    if (value < min) throw this.error(key, `${value} is too small`, `a decimal integer, ${min} or more`);
    return value;
  }

  /** @throws ConfigError unless the value is a decimal 64-bit integer. */
  checkLong(key: string): void {
    const text = this.text(key);
    if (text !== null && parseJavaLong(text) === null) throw this.#notANumber(key, text);
  }

  /** @throws ConfigError unless the value is true or false, in any case. */
  boolean(key: string, fallback: boolean): boolean {
    const text = this.text(key);
    if (text === null) return fallback;
    const value = text.toLowerCase();
    if (value === "true" || value === "false") return value === "true";
    throw this.error(key, `Invalid option ${text} for ${key}. Choose 'true' or 'false.'`, "true or false");
  }

  /** @throws ConfigError unless the value is a port; null when the file does not have the key. */
  port(key: string): number | null {
    if (!this.has(key)) return null;
    const value = this.int(key, 0);
    if (value >= 0 && value <= 65535) return value;
    throw this.error(key, `Error processing ${this.file}: port out of range:${value}`, "a port, 0 to 65535");
  }

  /** The error to throw about a key; it names file and line where the file has the key. */
  error(key: string, problem: string, valid: string): ConfigError {
    return new ConfigError({ file: this.file, line: this.line(key), key, problem: `${problem}; valid is ${valid}` });
  }

  #notANumber(key: string, text: string): ConfigError {
    return this.error(key, `Error processing ${this.file}: For input string: "${text}"`, "a decimal integer");
  }
}
