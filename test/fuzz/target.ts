/**
 * What a fuzz target is: something of ours that reads bytes of others, and an oracle that says what may come of it. "It did not
 * crash" is never the whole oracle: what was accepted has to mean something, and mean the same the next time.
 *
 * A run is a function of its input alone. Whatever else it needs (where a stream is cut, which bytes a file keeps) is thrown
 * by dice whose seed is the input's checksum, so that a file is enough to repeat a finding.
 */

import { crc32 } from "#base/crc32.ts";
import { SeededRandom } from "#base/prng.ts";

export interface FuzzTarget {
  /** On the command line, and of its folder in the corpus. */
  readonly name: string;
  /** How inputs are changed: by bytes and lengths, or by lines and words. */
  readonly kind: "bytes" | "text";
  /** Longest input that is made. */
  readonly bytesMax: number;
  /** What stands in such inputs and dice would hardly throw. */
  readonly words?: readonly (string | Buffer)[];
  /** Bytes of buffers that a run may ask for beyond {@link allocatedPerByte} times its input's length. */
  readonly allocatedBytesMax: number;
  /** Good inputs, from real encoders and from fixtures; the corpus in the tree has what was found from them. */
  seeds(): Buffer[];
  /** Makes right again what every change breaks (checksums), and nothing else. Applied to most inputs. */
  repair?(input: Buffer): Buffer;
  /** Throws when something came of the input that may not. */
  run(input: Buffer): void | Promise<void>;
}

/** How many bytes of buffers a run may ask for, for each byte of its input. */
export const allocatedPerByte = 64;

/** What a target throws when its oracle says no. */
export class OracleError extends Error {}

/** @throws OracleError when `condition` is false. */
export function demand(condition: boolean, what: string): asserts condition {
  if (!condition) throw new OracleError(what);
}

/** Dice for a run, from its input. */
export function diceOf(input: Buffer, purpose: number): SeededRandom {
  return new SeededRandom(crc32(purpose, input, 0, input.length));
}

/** Cuts bytes into pieces at random places; `pieceBytesMax` 0 leaves them whole. */
export function cutInPieces(bytes: Buffer, dice: SeededRandom, pieceBytesMax: number): Buffer[] {
  if (pieceBytesMax === 0) return [bytes];
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + Math.floor(dice.next() * pieceBytesMax);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}
