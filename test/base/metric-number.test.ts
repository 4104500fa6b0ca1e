import * as fc from "fast-check";
import { expect, test } from "vitest";
import { javaDouble, roundedAverage } from "#base/metric-number.ts";

// What Double.toString prints on OpenJDK 17.
test.each([
  [0, "0.0"],
  [-0, "-0.0"],
  [1, "1.0"],
  [-1, "-1.0"],
  [100, "100.0"],
  [0.1, "0.1"],
  [0.2778, "0.2778"],
  [1 / 3, "0.3333333333333333"],
  [0.001, "0.001"],
  [0.00099, "9.9E-4"],
  [1e-5, "1.0E-5"],
  [4.9e-5, "4.9E-5"],
  [-2.5e-7, "-2.5E-7"],
  [123456.7, "123456.7"],
  [9999999, "9999999.0"],
  [9999999.9999, "9999999.9999"],
  [1e7, "1.0E7"],
  [12345678, "1.2345678E7"],
  [-12345678.9, "-1.23456789E7"],
  [123456789012.5, "1.234567890125E11"],
  [9007199254740992, "9.007199254740992E15"],
  [1e16, "1.0E16"],
  [1e21, "1.0E21"],
  [1.5e300, "1.5E300"],
  [Number.MAX_VALUE, "1.7976931348623157E308"],
  [Number.NaN, "NaN"],
  [Infinity, "Infinity"],
  [-Infinity, "-Infinity"],
])("%d prints as a JVM prints it", (value, text) => {
  expect(javaDouble(value)).toBe(text);
});

test("a printed double reads back as itself and has one digit at least on either side of its point", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = javaDouble(value);
      expect(text).toMatch(/^-?\d+\.\d+(E-?\d+)?$/);
      expect(Object.is(Number(text), value)).toBe(true);
    }),
  );
});

// What AvgMinMaxCounter.getAvg gives on OpenJDK 17.
test.each([
  [1, 3, 0.3333],
  [2, 3, 0.6667],
  [5, 18, 0.2778],
  [1, 32, 0.0313],
  [3, 32, 0.0938],
  [1, 16, 0.0625],
  [15, 32, 0.4688],
  [-1, 32, -0.0313],
  [100000000, 3, 33333333.3333],
  [1, 100000, 0],
  [5, 100000, 0.0001],
  [0, 5, 0],
  [0, 0, 0],
])("the average of %d over %d has four decimals, a half rounded away from zero", (sum, count, average) => {
  expect(roundedAverage(sum, count)).toBe(average);
});
