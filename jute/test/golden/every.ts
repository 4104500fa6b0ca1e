/**
 * The records of module org.example.every. Generated, do not edit: change the schema, then run
 *
 *   jute-ts-codegen jute/test/schemas/every-type.jute --out jute/test/golden --runtime ../../../src/jute
 *
 * Every type that jute has, alone and in combination.
 *
 * Readers throw MarshallingError when the bytes end early. Buffers they return are views of the bytes they were
 * given, to be copied by whoever keeps them.
 */

import type { JuteReader } from "../../../src/jute/reader.ts";
import type { JuteWriter } from "../../../src/jute/writer.ts";
import {
  type Point,
  readPoint,
  writePoint,
  type Tag as SharedTag,
  readTag as readSharedTag,
  writeTag as writeSharedTag,
} from "./shared.ts";

/**
 * One field for each
 *   primitive type.
 */
export interface Scalars {
  /** from -128 */
  tiny: number;
  /** (not of tiny, but of flag) */
  flag: boolean;
  number: number;
  big: bigint;
  single: number;
  /** twice as wide */
  wide: number;
  text: string | null;
  bytes: Uint8Array | null;
}

export function readScalars(reader: JuteReader): Scalars {
  return {
    tiny: reader.readByte(),
    flag: reader.readBoolean(),
    number: reader.readInt(),
    big: reader.readBigInt(),
    single: reader.readFloat(),
    wide: reader.readDouble(),
    text: reader.readString(),
    bytes: reader.readBuffer(),
  };
}

export function writeScalars(writer: JuteWriter, value: Scalars): void {
  writer.writeByte(value.tiny);
  writer.writeBoolean(value.flag);
  writer.writeInt(value.number);
  writer.writeBigInt(value.big);
  writer.writeFloat(value.single);
  writer.writeDouble(value.wide);
  writer.writeString(value.text);
  writer.writeBuffer(value.bytes);
}

/** Has a namesake in the other module. */
export interface Tag {
  value: bigint;
}

export function readTag(reader: JuteReader): Tag {
  return {
    value: reader.readBigInt(),
  };
}

export function writeTag(writer: JuteWriter, value: Tag): void {
  writer.writeBigInt(value.value);
}

export interface Nested {
  scalars: Scalars;
  tag: Tag;
  label: SharedTag;
  point: Point;
}

export function readNested(reader: JuteReader): Nested {
  return {
    scalars: readScalars(reader),
    tag: readTag(reader),
    label: readSharedTag(reader),
    point: readPoint(reader),
  };
}

export function writeNested(writer: JuteWriter, value: Nested): void {
  writeScalars(writer, value.scalars);
  writeTag(writer, value.tag);
  writeSharedTag(writer, value.label);
  writePoint(writer, value.point);
}

export interface Collections {
  flags: boolean[] | null;
  names: (string | null)[] | null;
  chunks: (Uint8Array | null)[] | null;
  weights: number[] | null;
  matrix: (number[] | null)[] | null;
  points: Point[] | null;
  nested: Nested[] | null;
  sizes: Map<string | null, bigint> | null;
  byNumber: Map<number, (string | null)[] | null> | null;
  labels: Map<string | null, SharedTag> | null;
  history: (Map<string | null, Uint8Array | null> | null)[] | null;
}

export function readCollections(reader: JuteReader): Collections {
  return {
    flags: readVectorOfBoolean(reader),
    names: readVectorOfUstring(reader),
    chunks: readVectorOfBuffer(reader),
    weights: readVectorOfDouble(reader),
    matrix: readVectorOfVectorOfInt(reader),
    points: readVectorOfPoint(reader),
    nested: readVectorOfNested(reader),
    sizes: readMapOfUstringToLong(reader),
    byNumber: readMapOfIntToVectorOfUstring(reader),
    labels: readMapOfUstringToSharedTag(reader),
    history: readVectorOfMapOfUstringToBuffer(reader),
  };
}

export function writeCollections(writer: JuteWriter, value: Collections): void {
  writeVectorOfBoolean(writer, value.flags);
  writeVectorOfUstring(writer, value.names);
  writeVectorOfBuffer(writer, value.chunks);
  writeVectorOfDouble(writer, value.weights);
  writeVectorOfVectorOfInt(writer, value.matrix);
  writeVectorOfPoint(writer, value.points);
  writeVectorOfNested(writer, value.nested);
  writeMapOfUstringToLong(writer, value.sizes);
  writeMapOfIntToVectorOfUstring(writer, value.byNumber);
  writeMapOfUstringToSharedTag(writer, value.labels);
  writeVectorOfMapOfUstringToBuffer(writer, value.history);
}

function readVectorOfBoolean(reader: JuteReader): boolean[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: boolean[] = [];
  for (let i = 0; i < count; i++) items.push(reader.readBoolean());
  return items;
}

function writeVectorOfBoolean(writer: JuteWriter, items: boolean[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writer.writeBoolean(item);
}

function readVectorOfUstring(reader: JuteReader): (string | null)[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: (string | null)[] = [];
  for (let i = 0; i < count; i++) items.push(reader.readString());
  return items;
}

function writeVectorOfUstring(writer: JuteWriter, items: (string | null)[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writer.writeString(item);
}

function readVectorOfBuffer(reader: JuteReader): (Uint8Array | null)[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: (Uint8Array | null)[] = [];
  for (let i = 0; i < count; i++) items.push(reader.readBuffer());
  return items;
}

function writeVectorOfBuffer(writer: JuteWriter, items: (Uint8Array | null)[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writer.writeBuffer(item);
}

function readVectorOfDouble(reader: JuteReader): number[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: number[] = [];
  for (let i = 0; i < count; i++) items.push(reader.readDouble());
  return items;
}

function writeVectorOfDouble(writer: JuteWriter, items: number[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writer.writeDouble(item);
}

function readVectorOfInt(reader: JuteReader): number[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: number[] = [];
  for (let i = 0; i < count; i++) items.push(reader.readInt());
  return items;
}

function writeVectorOfInt(writer: JuteWriter, items: number[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writer.writeInt(item);
}

function readVectorOfVectorOfInt(reader: JuteReader): (number[] | null)[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: (number[] | null)[] = [];
  for (let i = 0; i < count; i++) items.push(readVectorOfInt(reader));
  return items;
}

function writeVectorOfVectorOfInt(writer: JuteWriter, items: (number[] | null)[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writeVectorOfInt(writer, item);
}

function readVectorOfPoint(reader: JuteReader): Point[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: Point[] = [];
  for (let i = 0; i < count; i++) items.push(readPoint(reader));
  return items;
}

function writeVectorOfPoint(writer: JuteWriter, items: Point[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writePoint(writer, item);
}

function readVectorOfNested(reader: JuteReader): Nested[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: Nested[] = [];
  for (let i = 0; i < count; i++) items.push(readNested(reader));
  return items;
}

function writeVectorOfNested(writer: JuteWriter, items: Nested[] | null): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writeNested(writer, item);
}

function readMapOfUstringToLong(reader: JuteReader): Map<string | null, bigint> | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const entries: Map<string | null, bigint> = new Map();
  for (let i = 0; i < count; i++) {
    const key = reader.readString();
    entries.set(key, reader.readBigInt());
  }
  return entries;
}

function writeMapOfUstringToLong(writer: JuteWriter, entries: Map<string | null, bigint> | null): void {
  if (entries === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(entries.size);
  for (const [key, value] of entries) {
    writer.writeString(key);
    writer.writeBigInt(value);
  }
}

function readMapOfIntToVectorOfUstring(reader: JuteReader): Map<number, (string | null)[] | null> | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const entries: Map<number, (string | null)[] | null> = new Map();
  for (let i = 0; i < count; i++) {
    const key = reader.readInt();
    entries.set(key, readVectorOfUstring(reader));
  }
  return entries;
}

function writeMapOfIntToVectorOfUstring(
  writer: JuteWriter,
  entries: Map<number, (string | null)[] | null> | null,
): void {
  if (entries === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(entries.size);
  for (const [key, value] of entries) {
    writer.writeInt(key);
    writeVectorOfUstring(writer, value);
  }
}

function readMapOfUstringToSharedTag(reader: JuteReader): Map<string | null, SharedTag> | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const entries: Map<string | null, SharedTag> = new Map();
  for (let i = 0; i < count; i++) {
    const key = reader.readString();
    entries.set(key, readSharedTag(reader));
  }
  return entries;
}

function writeMapOfUstringToSharedTag(writer: JuteWriter, entries: Map<string | null, SharedTag> | null): void {
  if (entries === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(entries.size);
  for (const [key, value] of entries) {
    writer.writeString(key);
    writeSharedTag(writer, value);
  }
}

function readMapOfUstringToBuffer(reader: JuteReader): Map<string | null, Uint8Array | null> | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const entries: Map<string | null, Uint8Array | null> = new Map();
  for (let i = 0; i < count; i++) {
    const key = reader.readString();
    entries.set(key, reader.readBuffer());
  }
  return entries;
}

function writeMapOfUstringToBuffer(writer: JuteWriter, entries: Map<string | null, Uint8Array | null> | null): void {
  if (entries === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(entries.size);
  for (const [key, value] of entries) {
    writer.writeString(key);
    writer.writeBuffer(value);
  }
}

function readVectorOfMapOfUstringToBuffer(reader: JuteReader): (Map<string | null, Uint8Array | null> | null)[] | null {
  const count = reader.readCount();
  if (count === -1) return null;
  const items: (Map<string | null, Uint8Array | null> | null)[] = [];
  for (let i = 0; i < count; i++) items.push(readMapOfUstringToBuffer(reader));
  return items;
}

function writeVectorOfMapOfUstringToBuffer(
  writer: JuteWriter,
  items: (Map<string | null, Uint8Array | null> | null)[] | null,
): void {
  if (items === null) {
    writer.writeInt(-1);
    return;
  }
  writer.writeInt(items.length);
  for (const item of items) writeMapOfUstringToBuffer(writer, item);
}
