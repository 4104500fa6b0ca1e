/**
 * Takes jute bytes apart, as slowly and plainly as bytes.ts puts them together. A length that the bytes cannot hold is an
 * error: replies come from servers, so an undecodable one is a finding.
 */

export interface Stat {
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly ctime: bigint;
  readonly mtime: bigint;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  readonly ephemeralOwner: bigint;
  readonly dataLength: number;
  readonly numChildren: number;
  readonly pzxid: bigint;
}

export interface ReplyAcl {
  readonly perms: number;
  readonly scheme: string;
  readonly id: string;
}

export class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  rest(): Buffer {
    return this.raw(this.left);
  }

  raw(count: number): Buffer {
    if (count < 0 || count > this.left) throw new RangeError(`${count} bytes expected, ${this.left} left`);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  byte(): number {
    return this.raw(1)[0]!;
  }

  int(): number {
    return this.raw(4).readInt32BE();
  }

  long(): bigint {
    return this.raw(8).readBigInt64BE();
  }

  buffer(): Buffer | null {
    const length = this.int();
    return length === -1 ? null : this.raw(length);
  }

  /** Text of a ustring; what is not UTF-8 comes back as `0x...`, so that nothing is lost. */
  ustring(): string | null {
    const bytes = this.buffer();
    if (bytes === null) return null;
    const text = bytes.toString("utf8");
    return Buffer.from(text, "utf8").equals(bytes) ? text : `0x${bytes.toString("hex")}`;
  }

  vector<Item>(item: () => Item): Item[] | null {
    const count = this.int();
    if (count === -1) return null;
    return Array.from({ length: count }, item);
  }

  acl(): ReplyAcl[] | null {
    return this.vector(() => ({
      perms: this.int(),
      scheme: this.ustring() ?? "(null)",
      id: this.ustring() ?? "(null)",
    }));
  }

  stat(): Stat {
    return {
      czxid: this.long(),
      mzxid: this.long(),
      ctime: this.long(),
      mtime: this.long(),
      version: this.int(),
      cversion: this.int(),
      aversion: this.int(),
      ephemeralOwner: this.long(),
      dataLength: this.int(),
      numChildren: this.int(),
      pzxid: this.long(),
    };
  }
}
