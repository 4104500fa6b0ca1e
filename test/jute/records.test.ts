import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import * as fc from "fast-check";
import { expect, test } from "vitest";

import { JuteReader, MarshallingError } from "#jute/reader.ts";
import { readACL, readStat, writeStat, type ACL, type Stat } from "#jute/records/data.ts";
import { readFileHeader, writeFileHeader } from "#jute/records/persistence.ts";
import {
  readAddWatchRequest,
  readConnectRequest,
  readConnectResponse,
  readCreate2Response,
  readCreateRequest,
  readCreateResponse,
  readErrorResponse,
  readGetACLResponse,
  readMultiHeader,
  readReconfigRequest,
  readReplyHeader,
  readSetWatches2,
  readWatcherEvent,
  readWhoAmIResponse,
  writeAddWatchRequest,
  writeConnectRequest,
  writeConnectResponse,
  writeCreate2Response,
  writeCreateRequest,
  writeCreateResponse,
  writeErrorResponse,
  writeGetACLResponse,
  writeMultiHeader,
  writeReconfigRequest,
  writeReplyHeader,
  writeSetWatches2,
  writeWatcherEvent,
  writeWhoAmIResponse,
} from "#jute/records/proto.ts";
import { readLearnerInfo, readQuorumPacket, writeLearnerInfo, writeQuorumPacket } from "#jute/records/quorum.ts";
import {
  readCloseSessionTxn,
  readCreateTTLTxn,
  readMultiTxn,
  readTxnHeader,
  writeCloseSessionTxn,
  writeCreateTTLTxn,
  writeMultiTxn,
  writeTxnHeader,
} from "#jute/records/txn.ts";
import { JuteWriter } from "#jute/writer.ts";

import { runCli } from "../../jute/src/cli.ts";
import { Bytes } from "../support/bytes.ts";

type Read<Value> = (reader: JuteReader) => Value;
type Write<Value> = (writer: JuteWriter, value: Value) => void;

/** The bytes decode to the value, all of them, and the value encodes to the bytes. */
function check<Value>(bytes: Buffer, read: Read<Value>, write: Write<Value>, value: Value): void {
  const reader = new JuteReader(bytes);
  expect(read(reader)).toEqual(value);
  expect(reader.remaining).toBe(0);
  expect(encode(write, value).toString("hex")).toBe(bytes.toString("hex"));
}

function encode<Value>(write: Write<Value>, value: Value): Buffer {
  const writer = new JuteWriter();
  write(writer, value);
  return writer.toBytes();
}

function hex(digits: string): Buffer {
  return new Bytes().hex(digits).build();
}

const java = new Map(
  readFileSync(new URL("../fixtures/jute/records.txt", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line): [string, Buffer] => {
      const [name, digits] = line.split(" ");
      return [name!, hex(digits!)];
    }),
);

test("the committed records are what the generator makes of zookeeper.jute, byte for byte", () => {
  const complaints: string[] = [];
  const code = runCli(["jute/zookeeper.jute", "--out", "src/jute/records", "--runtime", "#jute", "--check"], {
    cwd: join(import.meta.dirname, "../.."),
    out: () => {},
    err: (line) => complaints.push(line),
  });
  expect(complaints).toEqual([]);
  expect(code).toBe(0);
  const names = readdirSync(new URL("../../src/jute/records", import.meta.url)).sort();
  expect(names).toEqual(["data.ts", "persistence.ts", "proto.ts", "quorum.ts", "txn.ts"]);
});

test("a handshake of a live server decodes and encodes to the same bytes", () => {
  check(
    hex("00000000 0000000000000000 00002710 0000000000000000 00000010 00000000000000000000000000000000 00"),
    readConnectRequest,
    writeConnectRequest,
    { protocolVersion: 0, lastZxidSeen: 0n, timeOut: 10000, sessionId: 0n, passwd: Buffer.alloc(16), readOnly: false },
  );
  check(
    hex("00000000 00002710 010000218ae00000 00000010 12b4f97e370947d140223bc6d85d9530 00"),
    readConnectResponse,
    writeConnectResponse,
    {
      protocolVersion: 0,
      timeOut: 10000,
      sessionId: 0x010000218ae00000n,
      passwd: hex("12b4f97e370947d140223bc6d85d9530"),
      readOnly: false,
    },
  );
});

test("the refusal of an invalid session decodes and encodes to the same bytes", () => {
  check(
    hex("00000000 00000000 0000000000000000 00000010 00000000000000000000000000000000 00"),
    readConnectResponse,
    writeConnectResponse,
    { protocolVersion: 0, timeOut: 0, sessionId: 0n, passwd: Buffer.alloc(16), readOnly: false },
  );
});

test("the reply to a multi that went well decodes part by part and encodes to the same bytes", () => {
  const stat: Stat = {
    czxid: 2n,
    mzxid: 2n,
    ctime: 3n,
    mtime: 3n,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 0n,
    dataLength: 1,
    numChildren: 0,
    pzxid: 2n,
  };
  const statHex =
    "0000000000000002 0000000000000002 0000000000000003 0000000000000003 00000000 00000000 00000000" +
    "0000000000000000 00000001 00000000 0000000000000002";
  check(hex("00000001 00 00000000"), readMultiHeader, writeMultiHeader, { type: 1, done: false, err: 0 });
  check(hex("00000002 2f6d"), readCreateResponse, writeCreateResponse, { path: "/m" });
  check(hex(`00000004 2f6d2f61 ${statHex}`), readCreate2Response, writeCreate2Response, { path: "/m/a", stat });
  check(hex("0000000d 00 00000000"), readMultiHeader, writeMultiHeader, { type: 13, done: false, err: 0 });
  check(hex("ffffffff 01 ffffffff"), readMultiHeader, writeMultiHeader, { type: -1, done: true, err: -1 });
});

test("the parts of a failed multi carry the same code in header and body", () => {
  const reader = new JuteReader(hex("ffffffff 00 ffffff9b ffffff9b ffffffff 00 fffffffe fffffffe"));
  for (const err of [-101, -2]) {
    expect(readMultiHeader(reader)).toEqual({ type: -1, done: false, err });
    expect(readErrorResponse(reader)).toEqual({ err });
  }
  check(hex("ffffff9b"), readErrorResponse, writeErrorResponse, { err: -101 });
});

test("a notification, a ping reply and an authentication failure decode and encode to the same bytes", () => {
  const header = hex("ffffffff 0000000000000014 00000000");
  check(header, readReplyHeader, writeReplyHeader, { xid: -1, zxid: 0x14n, err: 0 });
  const event = hex("00000001 00000003 00000002 2f77");
  check(event, readWatcherEvent, writeWatcherEvent, { type: 1, state: 3, path: "/w" });
  const ping = hex("fffffffe 000000000000002e 00000000");
  check(ping, readReplyHeader, writeReplyHeader, { xid: -2, zxid: 0x2en, err: 0 });
  const failure = hex("fffffffc 0000000000000000 ffffff8d");
  check(failure, readReplyHeader, writeReplyHeader, { xid: -4, zxid: 0n, err: -115 });
  const unknown = hex("00000001 ffffffffffffffff fffffffa");
  check(unknown, readReplyHeader, writeReplyHeader, { xid: 1, zxid: -1n, err: -6 });
});

test("handshakes and stats are the same bytes as Java's", () => {
  const passwd = Buffer.from(Array.from({ length: 16 }, (_, index) => index * 17));
  check(java.get("ConnectRequest")!, readConnectRequest, writeConnectRequest, {
    protocolVersion: 0,
    lastZxidSeen: 0x500000003n,
    timeOut: 10000,
    sessionId: 0x100002180000000n,
    passwd,
    readOnly: true,
  });
  check(java.get("ConnectResponse")!, readConnectResponse, writeConnectResponse, {
    protocolVersion: 0,
    timeOut: 0,
    sessionId: 0n,
    passwd: null,
    readOnly: false,
  });
  check(java.get("Stat")!, readStat, writeStat, {
    czxid: 1n,
    mzxid: -2n,
    ctime: 1700000000000n,
    mtime: 2n ** 63n - 1n,
    version: 5,
    cversion: -6,
    aversion: -(2 ** 31),
    ephemeralOwner: -(2n ** 63n),
    dataLength: 9,
    numChildren: 10,
    pzxid: -1n,
  });
});

test("requests are written as Java writes them, and read as Java reads them where surrogates are lost", () => {
  const written: ACL[] = [
    { perms: 31, id: { scheme: "world", id: "anyone" } },
    { perms: -1, id: { scheme: "sasl", id: "😀é€" } },
  ];
  const request = { path: "/a\u0000\u07ff\uffff", data: Buffer.alloc(0), acl: written, flags: 6 };
  const bytes = java.get("CreateRequest")!;
  expect(encode(writeCreateRequest, request).toString("hex")).toBe(bytes.toString("hex"));
  const read = readCreateRequest(new JuteReader(bytes));
  expect(read).toEqual({ ...request, acl: [written[0], { perms: -1, id: { scheme: "sasl", id: "\ufffd\ufffdé€" } }] });
  const empty = { path: null, data: null, acl: null, flags: 0 };
  check(java.get("CreateRequest.null")!, readCreateRequest, writeCreateRequest, empty);
});

test("watches are written as Java writes them, null lists and null paths included", () => {
  const bytes = java.get("SetWatches2")!;
  const watches = {
    relativeZxid: -1n,
    dataWatches: ["/a", null, ""],
    existWatches: [],
    childWatches: null,
    persistentWatches: ["/\ud800"],
    persistentRecursiveWatches: null,
  };
  expect(encode(writeSetWatches2, watches).toString("hex")).toBe(bytes.toString("hex"));
  expect(readSetWatches2(new JuteReader(bytes))).toEqual({ ...watches, persistentWatches: ["/\ufffd"] });
});

test("quorum packets and transactions are the same bytes as Java's", () => {
  const ack = { type: 3, zxid: 0x700000000n, data: null, authinfo: null };
  check(java.get("QuorumPacket")!, readQuorumPacket, writeQuorumPacket, ack);
  check(java.get("QuorumPacket.authinfo")!, readQuorumPacket, writeQuorumPacket, {
    type: 1,
    zxid: -1n,
    data: Buffer.from([1, 0xff]),
    authinfo: [{ scheme: "ip", id: "127.0.0.1" }],
  });
  check(java.get("TxnHeader")!, readTxnHeader, writeTxnHeader, {
    clientId: 2n ** 63n - 1n,
    cxid: -8,
    zxid: 0x100000001n,
    time: 1700000000123n,
    type: 14,
  });
  check(java.get("MultiTxn")!, readMultiTxn, writeMultiTxn, {
    txns: [
      { type: 2, data: Buffer.alloc(4) },
      { type: -1, data: null },
    ],
  });
});

const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const ustring = fc.option(fc.string({ unit: fc.constantFrom("/", "a", "é", "€", "\uffff", "\0") }));
const buffer = fc.option(fc.uint8Array().map((bytes): Uint8Array => Buffer.from(bytes)));
const ustrings = fc.option(fc.array(ustring, { maxLength: 4 }));
const id = fc.record({ scheme: ustring, id: ustring });
const acl = fc.option(fc.array(fc.record({ perms: int, id }), { maxLength: 4 }));
const stat = fc.record({
  czxid: long,
  mzxid: long,
  ctime: long,
  mtime: long,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long,
  dataLength: int,
  numChildren: int,
  pzxid: long,
});

/** Any value comes back from its bytes, and its bytes cut anywhere are a MarshallingError. */
function checkRoundTrip<Value>(read: Read<Value>, write: Write<Value>, values: fc.Arbitrary<Value>): void {
  fc.assert(
    fc.property(values, (value) => {
      const bytes = encode(write, value);
      check(bytes, read, write, value);
      for (let end = 0; end < bytes.length; end++) {
        expect(() => read(new JuteReader(bytes, 0, end))).toThrow(MarshallingError);
      }
    }),
    { numRuns: 30 },
  );
}

test("any record of fixed size comes back from its bytes", () => {
  checkRoundTrip(readStat, writeStat, stat);
  checkRoundTrip(readFileHeader, writeFileHeader, fc.record({ magic: int, version: int, dbid: long }));
  const learnerInfo = fc.record({ serverid: long, protocolVersion: int, configVersion: long });
  checkRoundTrip(readLearnerInfo, writeLearnerInfo, learnerInfo);
});

test("any record of strings, buffers and vectors comes back from its bytes", () => {
  checkRoundTrip(readGetACLResponse, writeGetACLResponse, fc.record({ acl, stat }));
  checkRoundTrip(readAddWatchRequest, writeAddWatchRequest, fc.record({ path: ustring, mode: int }));
  checkRoundTrip(
    readReconfigRequest,
    writeReconfigRequest,
    fc.record({ joiningServers: ustring, leavingServers: ustring, newMembers: ustring, curConfigId: long }),
  );
  const clientInfo = fc.option(fc.array(fc.record({ authScheme: ustring, user: ustring }), { maxLength: 4 }));
  checkRoundTrip(readWhoAmIResponse, writeWhoAmIResponse, fc.record({ clientInfo }));
  checkRoundTrip(readCloseSessionTxn, writeCloseSessionTxn, fc.record({ paths2Delete: ustrings }));
  checkRoundTrip(
    readCreateTTLTxn,
    writeCreateTTLTxn,
    fc.record({ path: ustring, data: buffer, acl, parentCVersion: int, ttl: long }),
  );
});

test("a vector of two thousand million elements in a few bytes is a MarshallingError and allocates nothing large", () => {
  const bytes = new Bytes().int(0x7fffffff).int(31).string("world").string("anyone").build();
  const before = process.memoryUsage().arrayBuffers;
  expect(() => readGetACLResponse(new JuteReader(bytes))).toThrow(MarshallingError);
  expect(() => readCloseSessionTxn(new JuteReader(bytes))).toThrow(MarshallingError);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
});

test("a negative count other than -1 is an empty vector", () => {
  expect(readCloseSessionTxn(new JuteReader(hex("fffffffe")))).toEqual({ paths2Delete: [] });
  expect(readCloseSessionTxn(new JuteReader(hex("ffffffff")))).toEqual({ paths2Delete: null });
});

test("reading a record leaves the bytes behind it for the next reader", () => {
  const reader = new JuteReader(new Bytes().int(31).string("ip").string(null).int(7).build());
  expect(readACL(reader)).toEqual({ perms: 31, id: { scheme: "ip", id: null } });
  expect(reader.readInt()).toBe(7);
});
