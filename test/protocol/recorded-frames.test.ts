/**
 * The generated records against bytes of a real server: every request and reply that test/fixtures/frames recorded from
 * ZooKeeper 3.9.5 is decoded, must be used up to the last byte, and must come out the same when it is written again.
 */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { JuteReader } from "#jute/reader.ts";
import * as proto from "#jute/records/proto.ts";
import { JuteWriter } from "#jute/writer.ts";
import { readMultiHeader } from "#pipeline/multi-frame.ts";
import { OpCode } from "#protocol/op-code.ts";

interface Exchange {
  readonly title: string;
  readonly request: string;
  readonly reply: string | null;
  readonly events: readonly string[];
}

const folder = fileURLToPath(new URL("../fixtures/frames/", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".json") && name !== "connect.json");

/** Reads a record and writes it again. */
type Codec = (reader: JuteReader, writer: JuteWriter) => void;

function codec<Value>(read: (reader: JuteReader) => Value, write: (writer: JuteWriter, value: Value) => void): Codec {
  return (reader, writer) => write(writer, read(reader));
}

const nothing: Codec = () => {};
const create2 = codec(proto.readCreate2Response, proto.writeCreate2Response);
const createRequest = codec(proto.readCreateRequest, proto.writeCreateRequest);

/** Codecs of the bodies: request, reply. */
const codecs: ReadonlyMap<number, readonly [Codec, Codec]> = new Map([
  [OpCode.create, [createRequest, codec(proto.readCreateResponse, proto.writeCreateResponse)]],
  [OpCode.create2, [createRequest, create2]],
  [OpCode.createContainer, [createRequest, create2]],
  [OpCode.createTTL, [codec(proto.readCreateTTLRequest, proto.writeCreateTTLRequest), create2]],
  [OpCode.delete, [codec(proto.readDeleteRequest, proto.writeDeleteRequest), nothing]],
  [
    OpCode.exists,
    [
      codec(proto.readExistsRequest, proto.writeExistsRequest),
      codec(proto.readExistsResponse, proto.writeExistsResponse),
    ],
  ],
  [
    OpCode.getData,
    [
      codec(proto.readGetDataRequest, proto.writeGetDataRequest),
      codec(proto.readGetDataResponse, proto.writeGetDataResponse),
    ],
  ],
  [
    OpCode.setData,
    [
      codec(proto.readSetDataRequest, proto.writeSetDataRequest),
      codec(proto.readSetDataResponse, proto.writeSetDataResponse),
    ],
  ],
  [
    OpCode.getACL,
    [
      codec(proto.readGetACLRequest, proto.writeGetACLRequest),
      codec(proto.readGetACLResponse, proto.writeGetACLResponse),
    ],
  ],
  [
    OpCode.setACL,
    [
      codec(proto.readSetACLRequest, proto.writeSetACLRequest),
      codec(proto.readSetACLResponse, proto.writeSetACLResponse),
    ],
  ],
  [
    OpCode.getChildren,
    [
      codec(proto.readGetChildrenRequest, proto.writeGetChildrenRequest),
      codec(proto.readGetChildrenResponse, proto.writeGetChildrenResponse),
    ],
  ],
  [
    OpCode.getChildren2,
    [
      codec(proto.readGetChildren2Request, proto.writeGetChildren2Request),
      codec(proto.readGetChildren2Response, proto.writeGetChildren2Response),
    ],
  ],
  [
    OpCode.getAllChildrenNumber,
    [
      codec(proto.readGetAllChildrenNumberRequest, proto.writeGetAllChildrenNumberRequest),
      codec(proto.readGetAllChildrenNumberResponse, proto.writeGetAllChildrenNumberResponse),
    ],
  ],
  [
    OpCode.getEphemerals,
    [
      codec(proto.readGetEphemeralsRequest, proto.writeGetEphemeralsRequest),
      codec(proto.readGetEphemeralsResponse, proto.writeGetEphemeralsResponse),
    ],
  ],
  [
    OpCode.sync,
    [codec(proto.readSyncRequest, proto.writeSyncRequest), codec(proto.readSyncResponse, proto.writeSyncResponse)],
  ],
  [OpCode.checkWatches, [codec(proto.readCheckWatchesRequest, proto.writeCheckWatchesRequest), nothing]],
  [OpCode.removeWatches, [codec(proto.readRemoveWatchesRequest, proto.writeRemoveWatchesRequest), nothing]],
  [
    OpCode.addWatch,
    [
      codec(proto.readAddWatchRequest, proto.writeAddWatchRequest),
      codec(proto.readErrorResponse, proto.writeErrorResponse),
    ],
  ],
  [OpCode.setWatches, [codec(proto.readSetWatches, proto.writeSetWatches), nothing]],
  [OpCode.setWatches2, [codec(proto.readSetWatches2, proto.writeSetWatches2), nothing]],
  [OpCode.whoAmI, [nothing, codec(proto.readWhoAmIResponse, proto.writeWhoAmIResponse)]],
  [OpCode.auth, [codec(proto.readAuthPacket, proto.writeAuthPacket), nothing]],
  [
    OpCode.sasl,
    [
      codec(proto.readGetSASLRequest, proto.writeGetSASLRequest),
      codec(proto.readSetSASLResponse, proto.writeSetSASLResponse),
    ],
  ],
  [OpCode.reconfig, [codec(proto.readReconfigRequest, proto.writeReconfigRequest), nothing]],
  [OpCode.ping, [nothing, nothing]],
  [OpCode.closeSession, [nothing, nothing]],
  [OpCode.multi, [multiOf(0), multiOf(1)]],
  [OpCode.multiRead, [multiOf(0), multiOf(1)]],
]);

/** A multi's list: headers around the bodies of the operations (0: requests, 1: replies). */
function multiOf(side: 0 | 1): Codec {
  return (reader, writer) => {
    for (;;) {
      const at = reader.offset;
      const type = readMultiHeader(reader);
      writer.writeRaw(reader.bytes, at, reader.offset);
      if (type === null) return;
      if (type === OpCode.error) writer.writeInt(reader.readInt());
      else if (type !== OpCode.check) codecs.get(type)![side](reader, writer);
      else if (side === 0) codec(proto.readCheckVersionRequest, proto.writeCheckVersionRequest)(reader, writer);
    }
  };
}

/** Requests that were recorded because they do not decode, or are no client's. */
function isMeantToDecode(exchange: Exchange): boolean {
  return exchange.reply !== null && errorOf(exchange.reply) !== -5 && errorOf(exchange.reply) !== -6;
}

function errorOf(reply: string): number {
  return Buffer.from(reply, "hex").readInt32BE(12);
}

function expectSame(hex: string, headerBytes: number, body: Codec): void {
  const bytes = Buffer.from(hex, "hex");
  const reader = new JuteReader(bytes, headerBytes);
  const writer = new JuteWriter();
  writer.writeRaw(bytes, 0, headerBytes);
  body(reader, writer);
  expect(writer.toBytes().toString("hex")).toBe(hex);
  expect(reader.remaining).toBe(0);
}

describe.each(files)("frames of a real server: %s", (file) => {
  const { opcode, exchanges } = JSON.parse(readFileSync(`${folder}${file}`, "utf8")) as {
    opcode: number;
    exchanges: Exchange[];
  };
  const found = codecs.get(opcode);
  if (found === undefined) {
    test("belong to an operation that is for servers only", () => {
      expect([OpCode.deleteContainer]).toContain(opcode);
    });
    return;
  }

  test.each(exchanges.filter(isMeantToDecode))("the records reproduce $title", ({ request, reply, events }) => {
    const requestType = Buffer.from(request, "hex").readInt32BE(4);
    const [requestBody, replyBody] = codecs.get(requestType)!;
    expectSame(request, 8, requestBody);
    expectSame(reply!, 16, errorOf(reply!) === 0 ? replyBody : nothing);
    for (const event of events) expectSame(event, 16, codec(proto.readWatcherEvent, proto.writeWatcherEvent));
  });
});
