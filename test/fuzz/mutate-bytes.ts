/**
 * Changes of binary inputs. What reads them believes lengths, counts and codes, most of them ints on no particular boundary; so
 * beside the usual flips and cuts there are changes that look for something that could be a length, and bend it: with the
 * bytes behind it, so that the rest still fits, or without them.
 */

import type { SeededRandom } from "#base/prng.ts";

const interestingInts = [
  -1, -2, 0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 1024, 4095, 4096, 65_535,
  65_536, 0xff_ffff, 0x7fff_ffff, -0x8000_0000, -0x7fff_ffff, 0x4000_0000, -11, 100, 1_048_575, 1_048_576,
];
const interestingLongs = [
  0n,
  1n,
  -1n,
  -2n,
  0x7fff_ffff_ffff_ffffn,
  -0x8000_0000_0000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x2_0000_0001n,
  0x7fff_ffff_0000_0000n,
  0x7fff_ffffn,
  -0x8000_0000n,
  0x1_0000_0005n,
  0x1_0000_0006n,
  0x1_7fff_ffffn,
  0x1_ffff_ffffn,
  0x100_0000_0000_0000n,
  0x0020_0000_0000_0000n,
];
const insertedBytesMax = 24;
/** Places looked at for one that holds a length. */
const lengthTries = 24;

export interface MutationSources {
  readonly dice: SeededRandom;
  /** Other inputs, to cross with. */
  readonly corpus: readonly Buffer[];
  readonly words: readonly Buffer[];
}

type Change = (bytes: Buffer, sources: MutationSources) => Buffer;

/** A number from 0 to `count - 1`. */
export function below(dice: SeededRandom, count: number): number {
  return Math.floor(dice.next() * count);
}

export function pick<Item>(dice: SeededRandom, items: readonly Item[]): Item {
  return items[below(dice, items.length)]!;
}

/** Changes an input in one to a few places. The input itself stays as it is. */
export function mutateBytes(input: Buffer, sources: MutationSources, bytesMax: number): Buffer {
  const { dice } = sources;
  let bytes: Buffer = Buffer.from(input);
  for (let left = 1 + Math.floor(dice.next() ** 2 * 6); left > 0; left--) bytes = pick(dice, changes)(bytes, sources);
  return bytes.subarray(0, bytesMax);
}

function splice(bytes: Buffer, start: number, end: number, between: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, start), between, bytes.subarray(end)]);
}

/** A range of at most `bytesMax`, short ones more often. */
function rangeIn(bytes: Buffer, dice: SeededRandom, bytesMax = bytes.length): [start: number, end: number] {
  const start = below(dice, bytes.length + 1);
  const left = Math.min(bytes.length - start, bytesMax);
  return [start, start + Math.ceil(left * dice.next() ** 3)];
}

function flipBit(bytes: Buffer, { dice }: MutationSources): Buffer {
  if (bytes.length > 0) bytes[below(dice, bytes.length)]! ^= 1 << below(dice, 8);
  return bytes;
}

function setByte(bytes: Buffer, { dice }: MutationSources): Buffer {
  if (bytes.length > 0) bytes[below(dice, bytes.length)] = pick(dice, [0, 1, 0x2f, 0x7f, 0x80, 0xff, below(dice, 256)]);
  return bytes;
}

function setInt(bytes: Buffer, { dice }: MutationSources): Buffer {
  if (bytes.length >= 4) bytes.writeInt32BE(pick(dice, interestingInts), below(dice, bytes.length - 3));
  return bytes;
}

function setLong(bytes: Buffer, { dice }: MutationSources): Buffer {
  if (bytes.length >= 8) bytes.writeBigInt64BE(pick(dice, interestingLongs), below(dice, bytes.length - 7));
  return bytes;
}

function addToInt(bytes: Buffer, { dice }: MutationSources): Buffer {
  if (bytes.length < 4) return bytes;
  const at = below(dice, bytes.length - 3);
  bytes.writeInt32BE((bytes.readInt32BE(at) + below(dice, 17) - 8) | 0, at);
  return bytes;
}

/** A place whose int could be the length of something that follows, or -1. */
function lengthAt(bytes: Buffer, dice: SeededRandom): number {
  for (let tries = 0; tries < lengthTries && bytes.length >= 4; tries++) {
    const at = below(dice, bytes.length - 3);
    const length = bytes.readInt32BE(at);
    if (length > 0 && length <= bytes.length - at - 4) return at;
  }
  return -1;
}

function bendLength(bytes: Buffer, { dice }: MutationSources): Buffer {
  const at = lengthAt(bytes, dice);
  if (at < 0) return bytes;
  const length = bytes.readInt32BE(at);
  const left = bytes.length - at - 4;
  bytes.writeInt32BE(pick(dice, [length - 1, length + 1, length * 2, left, left + 1, -1, -2, 0, 0x7fff_ffff]) | 0, at);
  return bytes;
}

/** Makes something longer or shorter, and its length with it. */
function resizeField(bytes: Buffer, sources: MutationSources): Buffer {
  const { dice } = sources;
  const at = lengthAt(bytes, dice);
  if (at < 0) return bytes;
  const start = at + 4;
  const end = start + bytes.readInt32BE(at);
  const field = pick(dice, [removeRange, insertBytes, insertWord, duplicateRange, truncate, empty])(
    bytes.subarray(start, end),
    sources,
  );
  const next = splice(bytes, start, end, field);
  next.writeInt32BE(field.length, at);
  return next;
}

function empty(bytes: Buffer): Buffer {
  return bytes.subarray(0, 0);
}

function removeRange(bytes: Buffer, { dice }: MutationSources): Buffer {
  const [start, end] = rangeIn(bytes, dice);
  return splice(bytes, start, end, Buffer.alloc(0));
}

function duplicateRange(bytes: Buffer, { dice }: MutationSources): Buffer {
  const [start, end] = rangeIn(bytes, dice);
  return splice(bytes, end, end, bytes.subarray(start, end));
}

function moveRange(bytes: Buffer, { dice }: MutationSources): Buffer {
  const [start, end] = rangeIn(bytes, dice);
  const rest = splice(bytes, start, end, Buffer.alloc(0));
  const to = below(dice, rest.length + 1);
  return splice(rest, to, to, bytes.subarray(start, end));
}

function insertBytes(bytes: Buffer, { dice }: MutationSources): Buffer {
  const at = below(dice, bytes.length + 1);
  const value = below(dice, 256);
  const isNoise = dice.next() < 0.5;
  const inserted = Buffer.from({ length: 1 + below(dice, insertedBytesMax) } as ArrayLike<number>).map(() =>
    isNoise ? below(dice, 256) : value,
  );
  return splice(bytes, at, at, Buffer.from(inserted));
}

function insertWord(bytes: Buffer, { dice, words }: MutationSources): Buffer {
  if (words.length === 0) return bytes;
  const at = below(dice, bytes.length + 1);
  return splice(bytes, at, at, pick(dice, words));
}

function overwriteWithWord(bytes: Buffer, { dice, words }: MutationSources): Buffer {
  if (words.length === 0) return bytes;
  const word = pick(dice, words);
  const at = below(dice, bytes.length + 1);
  return splice(bytes, at, Math.min(at + word.length, bytes.length), word);
}

function truncate(bytes: Buffer, { dice }: MutationSources): Buffer {
  return bytes.subarray(0, below(dice, bytes.length + 1));
}

/** The beginning of this one and the end of another. */
function crossOver(bytes: Buffer, { dice, corpus }: MutationSources): Buffer {
  const other = pick(dice, corpus);
  const at = below(dice, bytes.length + 1);
  const isAligned = dice.next() < 0.5;
  return Buffer.concat([bytes.subarray(0, at), other.subarray(isAligned ? at : below(dice, other.length + 1))]);
}

function insertFromOther(bytes: Buffer, { dice, corpus }: MutationSources): Buffer {
  const other = pick(dice, corpus);
  const [start, end] = rangeIn(other, dice);
  const at = below(dice, bytes.length + 1);
  return splice(bytes, at, at, other.subarray(start, end));
}

function append(bytes: Buffer, { dice, corpus }: MutationSources): Buffer {
  return Buffer.concat([bytes, pick(dice, corpus)]);
}

const changes: readonly Change[] = [
  flipBit,
  setByte,
  setInt,
  setInt,
  setLong,
  addToInt,
  bendLength,
  bendLength,
  resizeField,
  resizeField,
  removeRange,
  duplicateRange,
  moveRange,
  insertBytes,
  insertWord,
  overwriteWithWord,
  truncate,
  crossOver,
  insertFromOther,
  append,
];
