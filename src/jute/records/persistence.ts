/**
 * The records of module org.apache.zookeeper.server.persistence. Generated, do not edit: change the schema, then run
 *
 *   jute-ts-codegen jute/zookeeper.jute --out src/jute/records --runtime '#jute'
 *
 * How files on disk begin.
 *
 * Readers throw MarshallingError when the bytes end early. Buffers they return are views of the bytes they were
 * given, to be copied by whoever keeps them.
 */

import type { JuteReader } from "#jute/reader.ts";
import type { JuteWriter } from "#jute/writer.ts";

/** First 16 bytes of a transaction log or snapshot. */
export interface FileHeader {
  /** "ZKLG" for a log, "ZKSN" for a snapshot */
  magic: number;
  /** 2 */
  version: number;
  /** 0 for a log, -1 for a snapshot; not examined */
  dbid: bigint;
}

export function readFileHeader(reader: JuteReader): FileHeader {
  return {
    magic: reader.readInt(),
    version: reader.readInt(),
    dbid: reader.readBigInt(),
  };
}

export function writeFileHeader(writer: JuteWriter, value: FileHeader): void {
  writer.writeInt(value.magic);
  writer.writeInt(value.version);
  writer.writeBigInt(value.dbid);
}
