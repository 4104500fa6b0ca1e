/**
 * Memory for the variable part of znodes (name and data), outside the JavaScript heap, so that a million of them cost
 * the garbage collector nothing.
 *
 *   page   65,536 bytes, cut into equal slots of one size class
 *   class  8-byte steps up to 512 bytes, then eighths of a power of two up to 16 KiB
 *   large  more than that: a buffer of its own, in whole 4 KiB, where data of about the same size is written over it
 *   ref    page << 13 | offset / 8; negative = index of a blob with a buffer of its own; 0 = no bytes
 *
 * A page whose last slot is freed goes back to the pool and may come out with another slot size, so memory follows a
 * workload whose sizes change. Page 0 is never used: ref 0 is nobody's.
 *
 * Always: a ref belongs to one znode; the caller knows its size and gives it back with the size it asked for.
 */

import { assert } from "#base/assert.ts";

const pageBytes = 65536;
const unitShift = 3;
const unitBits = 13;
const unitMask = (1 << unitBits) - 1;
const fineBytesMax = 512;
/** Larger blobs get a buffer of their own. */
const slotBytesMax = 16384;
const largeStepBytes = 4096;
/** Pages kept for reuse; more are given back to the operating system. */
const pooledPagesMax = 64;

const classBytes = buildClasses();
const fineClassCount = fineBytesMax >> unitShift;

export class BlobArena {
  /** Memory of each page as bytes; a freed page is an empty buffer. */
  readonly #pages: Buffer[] = [Buffer.alloc(0)];
  /** Slots in use, size class, head of the free list (byte offset + 1), first byte never handed out: per page. */
  readonly #liveSlots: number[] = [0];
  readonly #classOf: number[] = [0];
  readonly #freeHead: number[] = [0];
  readonly #bump: number[] = [pageBytes];
  /** Pages of a class with room, a doubly linked list through these two. */
  readonly #nextWithRoom: number[] = [0];
  readonly #previousWithRoom: number[] = [0];
  readonly #firstWithRoom = new Int32Array(classBytes.length);
  readonly #pool: number[] = [];
  readonly #vacantPages: number[] = [];
  readonly #large: Buffer[] = [];
  readonly #vacantLarge: number[] = [];
  #reservedBytes = 0;

  /** Bytes taken from the operating system, slack included. */
  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /** A ref to `size` uninitialised bytes; 0 for no bytes. */
  allocate(size: number): number {
    if (size === 0) return 0;
    if (size > slotBytesMax) return this.#allocateLarge(size);
    const sizeClass = classFor(size);
    let page = this.#firstWithRoom[sizeClass]!;
    if (page === 0) page = this.#openPage(sizeClass);
    let offset = this.#freeHead[page]! - 1;
    if (offset >= 0) {
      this.#freeHead[page] = this.#pages[page]!.readInt32LE(offset);
    } else {
      offset = this.#bump[page]!;
      this.#bump[page] = offset + classBytes[sizeClass]!;
    }
    this.#liveSlots[page]!++;
    if (this.#freeHead[page] === 0 && this.#bump[page]! + classBytes[sizeClass]! > pageBytes) this.#unlink(page);
    return (page << unitBits) | (offset >> unitShift);
  }

  /** Gives back what {@link allocate} returned for `size`. */
  release(ref: number, size: number): void {
    if (ref === 0) return;
    if (ref < 0) {
      this.#releaseLarge(ref);
      return;
    }
    const page = ref >>> unitBits;
    const offset = (ref & unitMask) << unitShift;
    const sizeClass = this.#classOf[page]!;
    assert(sizeClass === classFor(size), "a blob is given back with its own size");
    const hadNoRoom = this.#freeHead[page] === 0 && this.#bump[page]! + classBytes[sizeClass]! > pageBytes;
    this.#pages[page]!.writeInt32LE(this.#freeHead[page]!, offset);
    this.#freeHead[page] = offset + 1;
    this.#liveSlots[page]!--;
    if (hadNoRoom) this.#link(page);
    if (this.#liveSlots[page] === 0) this.#closePage(page);
  }

  /** True when a blob of `newSize` may stay where one of `oldSize` is. */
  fits(ref: number, oldSize: number, newSize: number): boolean {
    if (ref === 0 || newSize === 0) return false;
    if (ref < 0) return newSize > slotBytesMax && largeBytes(oldSize) === largeBytes(newSize);
    return newSize <= slotBytesMax && classFor(oldSize) === classFor(newSize);
  }

  /** The buffer that holds a blob; its bytes begin at {@link offsetOf}. */
  bufferOf(ref: number): Buffer {
    return ref < 0 ? this.#large[ref & 0x7fffffff]! : this.#pages[ref >>> unitBits]!;
  }

  offsetOf(ref: number): number {
    return ref < 0 ? 0 : (ref & unitMask) << unitShift;
  }

  #openPage(sizeClass: number): number {
    let page = this.#pool.pop();
    if (page === undefined) {
      page = this.#vacantPages.pop() ?? this.#pages.length;
      assert(page < 1 << 18, "znode data fits sixteen gibibytes");
      this.#pages[page] = newPage();
      this.#reservedBytes += pageBytes;
    }
    this.#liveSlots[page] = 0;
    this.#classOf[page] = sizeClass;
    this.#freeHead[page] = 0;
    this.#bump[page] = 0;
    this.#link(page);
    return page;
  }

  #closePage(page: number): void {
    this.#unlink(page);
    if (this.#pool.length < pooledPagesMax) {
      this.#pool.push(page);
      return;
    }
    this.#pages[page] = this.#pages[0]!;
    this.#reservedBytes -= pageBytes;
    this.#vacantPages.push(page);
  }

  #link(page: number): void {
    const sizeClass = this.#classOf[page]!;
    const first = this.#firstWithRoom[sizeClass]!;
    this.#nextWithRoom[page] = first;
    this.#previousWithRoom[page] = 0;
    if (first !== 0) this.#previousWithRoom[first] = page;
    this.#firstWithRoom[sizeClass] = page;
  }

  #unlink(page: number): void {
    const next = this.#nextWithRoom[page]!;
    const previous = this.#previousWithRoom[page]!;
    if (next !== 0) this.#previousWithRoom[next] = previous;
    if (previous !== 0) this.#nextWithRoom[previous] = next;
    else this.#firstWithRoom[this.#classOf[page]!] = next;
  }

  #allocateLarge(size: number): number {
    const index = this.#vacantLarge.pop() ?? this.#large.length;
    const buffer = Buffer.allocUnsafeSlow(largeBytes(size));
    this.#large[index] = buffer;
    this.#reservedBytes += buffer.length;
    return index | 0x80000000;
  }

  #releaseLarge(ref: number): void {
    const index = ref & 0x7fffffff;
    this.#reservedBytes -= this.#large[index]!.length;
    this.#large[index] = this.#pages[0]!;
    this.#vacantLarge.push(index);
  }
}

/** One page, shareable so that a worker can read it one day. */
function newPage(): Buffer {
  return Buffer.from(new SharedArrayBuffer(pageBytes));
}

function largeBytes(size: number): number {
  return Math.ceil(size / largeStepBytes) * largeStepBytes;
}

function classFor(size: number): number {
  if (size <= fineBytesMax) return (size - 1) >> unitShift;
  const power = 31 - Math.clz32(size - 1);
  return fineClassCount + ((power - 9) << 3) + (((size - 1) >> (power - 3)) & 7);
}

function buildClasses(): Int32Array {
  const sizes: number[] = [];
  for (let size = 8; size <= fineBytesMax; size += 8) sizes.push(size);
  for (let power = fineBytesMax; power < slotBytesMax; power *= 2) {
    for (let eighth = 1; eighth <= 8; eighth++) sizes.push(power + (power >> 3) * eighth);
  }
  return Int32Array.from(sizes);
}
