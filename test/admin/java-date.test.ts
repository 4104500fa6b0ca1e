import { expect, test } from "vitest";
import { javaDate } from "#admin/java-date.ts";

// What java.util.Date prints on OpenJDK 17 with that default time zone.
test.each([
  ["UTC", 0, "Thu Jan 01 00:00:00 UTC 1970"],
  ["UTC", 951782400000, "Tue Feb 29 00:00:00 UTC 2000"],
  ["UTC", 1735689599999, "Tue Dec 31 23:59:59 UTC 2024"],
  ["Etc/UTC", 1763895600000, "Sun Nov 23 11:00:00 UTC 2025"],
  ["GMT", 1763895600000, "Sun Nov 23 11:00:00 GMT 2025"],
  ["Europe/Berlin", 1763895600000, "Sun Nov 23 12:00:00 CET 2025"],
  ["Europe/Berlin", 1719792000000, "Mon Jul 01 02:00:00 CEST 2024"],
  ["Europe/Berlin", 1735689599999, "Wed Jan 01 00:59:59 CET 2025"],
  ["Europe/London", 1719792000000, "Mon Jul 01 01:00:00 BST 2024"],
  ["Europe/Moscow", 1763895600000, "Sun Nov 23 14:00:00 MSK 2025"],
  ["America/New_York", 1763895600000, "Sun Nov 23 06:00:00 EST 2025"],
  ["America/New_York", 1719792000000, "Sun Jun 30 20:00:00 EDT 2024"],
  ["America/Sao_Paulo", 1763895600000, "Sun Nov 23 08:00:00 BRT 2025"],
  ["America/Argentina/Buenos_Aires", 1763895600000, "Sun Nov 23 08:00:00 ART 2025"],
  ["Asia/Kolkata", 1763895600000, "Sun Nov 23 16:30:00 IST 2025"],
  ["Asia/Tokyo", 1763895600000, "Sun Nov 23 20:00:00 JST 2025"],
  ["Asia/Shanghai", 1763895600000, "Sun Nov 23 19:00:00 CST 2025"],
  ["Asia/Singapore", 1763895600000, "Sun Nov 23 19:00:00 SGT 2025"],
  ["Asia/Hong_Kong", 1763895600000, "Sun Nov 23 19:00:00 HKT 2025"],
  ["Asia/Seoul", 1763895600000, "Sun Nov 23 20:00:00 KST 2025"],
  ["Asia/Dubai", 1763895600000, "Sun Nov 23 15:00:00 GST 2025"],
  ["Africa/Nairobi", 1763895600000, "Sun Nov 23 14:00:00 EAT 2025"],
  ["Australia/Sydney", 1763895600000, "Sun Nov 23 22:00:00 AEDT 2025"],
  ["Pacific/Auckland", 1763895600000, "Mon Nov 24 00:00:00 NZDT 2025"],
  ["Etc/GMT+3", 1763895600000, "Sun Nov 23 08:00:00 GMT-03:00 2025"],
])("in %s the time %d is printed as a JVM prints it", (timeZone, wallMs, text) => {
  expect(javaDate(wallMs, timeZone)).toBe(text);
});
