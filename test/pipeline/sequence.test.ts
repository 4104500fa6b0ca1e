/** Names of sequential znodes where the number of creates comes to the end of its 31 bits. */

import { describe, expect, test } from "vitest";
import { StatField } from "#tree/znode-store.ts";
import { type HarnessConnection, PipelineHarness } from "../support/pipeline-harness.ts";
import type { CreateRequest } from "../support/requests.ts";
import { openAcl } from "../support/wire-frames.ts";

function create(path: string, flags: number): CreateRequest {
  return { op: "create", type: 1, path, data: "", acl: openAcl, flags, ttlMs: 0n };
}

/** A server with a znode /q below which so many creates are said to have been. */
function serverWith(creates: number): { harness: PipelineHarness; connection: HarnessConnection } {
  const harness = new PipelineHarness({ digestEnabled: false });
  const connection = harness.connected();
  harness.request(connection, create("/q", 0));
  harness.durable();
  const { tree } = harness.database;
  const path = Buffer.from("/q");
  tree.store.setStat(tree.find(path, 0, path.length), StatField.storedCversion, creates);
  connection.transcript.length = 0;
  return { harness, connection };
}

/** The names that sequential creates get, each durable before the next or all in flight at once. */
function namesOf(creates: number, count: number, isPipelined: boolean): string[] {
  const { harness, connection } = serverWith(creates);
  for (let i = 0; i < count; i++) {
    harness.request(connection, create("/q/", 2));
    if (!isPipelined) harness.durable();
  }
  harness.durable();
  return connection.transcript.map((line) => line.split(" ").slice(2).join(" "));
}

describe("a sequence number", () => {
  test("has ten digits, filled up with zeros", () => {
    expect(namesOf(0, 2, true)).toEqual(["err=0 /q/0000000000", "err=0 /q/0000000001"]);
    expect(namesOf(999_999_999, 2, false)).toEqual(["err=0 /q/0999999999", "err=0 /q/1000000000"]);
  });

  test("below zero counts its sign among the ten", () => {
    expect(namesOf(-5, 1, true)).toEqual(["err=0 /q/-000000005"]);
    expect(namesOf(-2_147_483_648, 1, true)).toEqual(["err=0 /q/-2147483648"]);
  });

  test("stays at the last one, whose name is taken from then on", () => {
    expect(namesOf(2_147_483_647, 2, false)).toEqual(["err=0 /q/2147483647", "err=-110"]);
  });

  test("runs over while the last one is in flight", () => {
    expect(namesOf(2_147_483_647, 3, true)).toEqual([
      "err=0 /q/2147483647",
      "err=0 /q/-2147483648",
      "err=0 /q/-2147483647",
    ]);
  });

  test("is given again when the create that took it has failed with the multi around it", () => {
    const { harness, connection } = serverWith(7);
    harness.request(connection, {
      op: "multi",
      parts: [create("/q/", 2), create("/q/", 2), { op: "check", path: "/none", version: -1 }],
    });
    harness.request(connection, create("/q/", 2));
    harness.durable();
    expect(connection.transcript.at(-1)).toContain("err=0 /q/0000000007");
  });
});
