/** The tools that compare must not lose what they compare: two different replies never look alike. */

import { expect, test } from "vitest";
import { bool, buffer, frame, hex, int, long, record, ustring, vector } from "../wire/bytes.ts";
import { connectRequest } from "../wire/connection.ts";
import { create, getData, multi, op, remove } from "../wire/requests.ts";
import { describeHandshake, describeReply, Names, passwordOf } from "../wire/transcript.ts";

test("the byte builder writes what the protocol's examples show", () => {
  expect(record(int(-2), long(-1n), bool(true)).toString("hex")).toBe("fffffffeffffffffffffffff01");
  expect(ustring("/é").toString("hex")).toBe("000000032fc3a9");
  expect(record(buffer(null), buffer(Buffer.alloc(0)), vector(null), vector([])).toString("hex")).toBe(
    "ffffffff00000000ffffffff00000000",
  );
  expect(frame(Buffer.from("ab")).toString("hex")).toBe("000000026162");
  expect(connectRequest({ timeoutMs: 10_000 }).toString("hex")).toBe(
    hex("00000000 0000000000000000 00002710 0000000000000000 00000010 00000000000000000000000000000000 00").toString(
      "hex",
    ),
  );
  expect(remove("/a", 3).body.toString("hex")).toBe("000000022f6100000003");
  expect(multi(remove("/a")).body.toString("hex")).toBe("0000000200ffffffff000000022f61ffffffffffffffff01ffffffff");
  expect(create("/a", { data: null, acl: [] }).body.toString("hex")).toBe("000000022f61ffffffff0000000000000000");
});

test("session passwords follow from session ids", () => {
  expect(passwordOf(1n).toString("hex")).toBe("054cc74a37327db215e702e20c73f005");
  expect(passwordOf(0x010000218ae00001n).toString("hex")).toBe("25d5f37ed75426163565a2f1ace6a9fd");
});

test("a wrong password, a time outside the run and bytes behind a record are spelt out", () => {
  const names = new Names(10n);
  const response = record(int(0), int(4000), long(77n), buffer(Buffer.alloc(16, 5)), bool(false));
  expect(describeHandshake(response, names)).toContain(`password=${"05".repeat(16)} rest=00`);
  const stat = record(
    long(11n),
    long(12n),
    long(1n),
    long(BigInt(Date.now())),
    int(1),
    int(2),
    int(3),
    long(77n),
    int(4),
    int(5),
    long(9n),
  );
  const reply = record(int(3), long(12n), int(0), ustring("data"), stat, Buffer.from("ff", "hex"));
  expect(describeReply(op.getData, reply, names)).toBe(
    'xid=3 zxid=+2 err=0 "data" stat{c=+1 m=+2 p=-1 ctime=1 mtime=T v=1,2,3 owner=S1 length=4 children=5} rest=ff',
  );
});

test("changing any byte of a reply outside times and ids changes its line", () => {
  const stat = record(
    long(11n),
    long(12n),
    long(0n),
    long(0n),
    int(1),
    int(2),
    int(3),
    long(0n),
    int(4),
    int(5),
    long(9n),
  );
  const body = record(int(3), long(12n), int(0), ustring("data"), stat);
  const line = describeReply(getData("/").op, body, new Names(10n));
  for (let at = 0; at < body.length; at++) {
    const changed = Buffer.from(body);
    changed[at] = changed[at]! ^ 0x41;
    let text: string;
    try {
      text = describeReply(getData("/").op, changed, new Names(10n));
    } catch (error) {
      text = String(error);
    }
    expect(text, `byte ${at}`).not.toBe(line);
  }
});
