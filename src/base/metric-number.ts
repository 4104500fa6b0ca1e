/**
 * Numbers as the JVM prints them, since dashboards and parsers have learnt to read them: an average always carries a
 * decimal point (`0.0`), and large ones an exponent (`1.0E7`).
 *
 *   |d| in [0.001, 10000000)   0.2778   3.0   9999999.0     plain, at least one digit behind the point
 *   any other                  9.9E-4   1.0E7   1.0E21      one digit before the point, at least one behind it
 *
 * Always: the digits are the fewest that read back as the same number, as in JDK 19 and later. Older ones sometimes
 * print a digit or two more.
 * Source: java.lang.Double.toString; AvgMinMaxCounter.getAvg for the average.
 */

/** `value` as Java's Double.toString prints it: `0.0`, `0.2778`, `1.0E7`, `NaN`, `Infinity`. */
export function javaDouble(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  if (!Number.isFinite(value)) return String(value);
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-3 && magnitude < 1e7) return withPoint(String(value));
  const scientific = value.toExponential();
  const mark = scientific.indexOf("e");
  return `${withPoint(scientific.slice(0, mark))}E${Number(scientific.slice(mark + 1))}`;
}

function withPoint(digits: string): string {
  return digits.includes(".") ? digits : `${digits}.0`;
}

/**
 * `sum / count` rounded half away from zero to four decimals, 0 when `count` is 0. The rounding looks at the binary
 * value itself, as BigDecimal does: 5e-5 lies a little above the half and becomes 1e-4.
 */
export function roundedAverage(sum: number, count: number): number {
  return count > 0 ? Number((sum / count).toFixed(4)) : 0;
}
