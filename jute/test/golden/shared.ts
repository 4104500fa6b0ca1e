/**
 * The records of module org.example.shared. Generated, do not edit: change the schema, then run
 *
 *   jute-ts-codegen jute/test/schemas/every-type.jute --out jute/test/golden --runtime ../../../src/jute
 *
 * Records that another file includes.
 *
 * Readers throw MarshallingError when the bytes end early. Buffers they return are views of the bytes they were
 * given, to be copied by whoever keeps them.
 */

import type { JuteReader } from "../../../src/jute/reader.ts";
import type { JuteWriter } from "../../../src/jute/writer.ts";

export interface Point {
  x: number;
  y: number;
}

export function readPoint(reader: JuteReader): Point {
  return {
    x: reader.readInt(),
    y: reader.readInt(),
  };
}

export function writePoint(writer: JuteWriter, value: Point): void {
  writer.writeInt(value.x);
  writer.writeInt(value.y);
}

/** A label. */
export interface Tag {
  name: string | null;
}

export function readTag(reader: JuteReader): Tag {
  return {
    name: reader.readString(),
  };
}

export function writeTag(writer: JuteWriter, value: Tag): void {
  writer.writeString(value.name);
}
