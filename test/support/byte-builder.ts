/**
 * Builds expected bytes the slow, obvious way: one array element for each byte, sizes spelled out, nothing shared with
 * the writer under test, so that an encoder's mistake cannot excuse itself.
 */

export class ByteBuilder {
  readonly #bytes: number[] = [];

  /** The last 8 bits of `value`. */
  byte(value: number): this {
    return this.#unsigned(BigInt(value), 1);
  }

  boolean(value: boolean): this {
    return this.byte(value ? 1 : 0);
  }

  int(value: number): this {
    return this.#unsigned(BigInt(value), 4);
  }

  long(value: bigint): this {
    return this.#unsigned(value, 8);
  }

  float(value: number): this {
    return this.#unsigned(BigInt(new Uint32Array(new Float32Array([value]).buffer)[0]!), 4);
  }

  double(value: number): this {
    return this.#unsigned(new BigUint64Array(new Float64Array([value]).buffer)[0]!, 8);
  }

  /** A jute buffer: length and bytes, or length -1. */
  buffer(value: Iterable<number> | null): this {
    if (value === null) return this.int(-1);
    const bytes = [...value];
    return this.int(bytes.length).raw(bytes);
  }

  /** A jute ustring as Java writes it: each UTF-16 unit by itself. */
  string(value: string | null): this {
    return this.buffer(value === null ? null : unitsToBytes(value));
  }

  /** A jute vector: count and elements, or count -1. */
  vector<Item>(items: readonly Item[] | null, add: (item: Item) => void): this {
    if (items === null) return this.int(-1);
    this.int(items.length);
    for (const item of items) add(item);
    return this;
  }

  /** Hexadecimal digits; spaces and line ends between them do not count. */
  hex(digits: string): this {
    return this.raw((digits.replace(/\s+/g, "").match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)));
  }

  raw(bytes: Iterable<number>): this {
    this.#bytes.push(...bytes);
    return this;
  }

  toBytes(): Buffer {
    return Buffer.from(this.#bytes);
  }

  #unsigned(value: bigint, size: number): this {
    for (let place = size - 1; place >= 0; place--) {
      this.#bytes.push(Number((BigInt.asUintN(size * 8, value) / 256n ** BigInt(place)) % 256n));
    }
    return this;
  }
}

/** UTF-8 of each code unit on its own, so that a pair of surrogates takes six bytes. */
function unitsToBytes(text: string): number[] {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const bits = text.charCodeAt(i).toString(2);
    if (bits.length <= 7) bytes.push(bitsToByte(bits));
    else if (bits.length <= 11) bytes.push(...spread(bits.padStart(11, "0"), ["110", "10"]));
    else bytes.push(...spread(bits.padStart(16, "0"), ["1110", "10", "10"]));
  }
  return bytes;
}

/** Fills up each prefix to eight bits, from left to right. */
function spread(bits: string, prefixes: readonly string[]): number[] {
  let at = 0;
  return prefixes.map((prefix) => {
    const room = 8 - prefix.length;
    at += room;
    return bitsToByte(prefix + bits.slice(at - room, at));
  });
}

function bitsToByte(bits: string): number {
  return Number.parseInt(bits, 2);
}
