/** Who is turned away when few file descriptors are left. */

import { expect, test } from "vitest";
import { DescriptorReserve } from "#host/node/descriptor-reserve.ts";

test("the last sixty-four descriptors are reserved, of a small limit a quarter", () => {
  const large = new DescriptorReserve(
    () => 1024,
    () => 0,
  );
  expect([959, 960, 1023].map((descriptor) => large.isTouchedBy(descriptor))).toEqual([false, true, true]);
  const small = new DescriptorReserve(
    () => 100,
    () => 0,
  );
  expect([74, 75].map((descriptor) => small.isTouchedBy(descriptor))).toEqual([false, true]);
});

test("a limit that is raised counts a second later, and is not read for each", () => {
  let limit = 100;
  let nowMs = 0;
  let reads = 0;
  const readLimit = (): number => {
    reads++;
    return limit;
  };
  const reserve = new DescriptorReserve(readLimit, () => nowMs);
  expect(reserve.isTouchedBy(80)).toBe(true);
  limit = 1000;
  for (nowMs = 1; nowMs < 1000; nowMs++) expect(reserve.isTouchedBy(80)).toBe(true);
  expect(reads).toBe(1);
  expect(reserve.isTouchedBy(80)).toBe(false);
  expect(reads).toBe(2);
});

test("a system that tells no limit has none", () => {
  const reserve = new DescriptorReserve(
    () => -1,
    () => 0,
  );
  expect(reserve.isTouchedBy(1_000_000)).toBe(false);
});
