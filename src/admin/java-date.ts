/**
 * Points in time as java.util.Date prints them, for `dump`: `Sun Nov 23 12:00:00 CET 2025`. The letters before the year
 * name the time zone, and whether it is summer there.
 *
 * Letters come from the runtime's locale data, which gives each zone's abbreviation only to the locales that use it
 * (CET to English as written in Britain, IST to English as written in India), so several are asked in turn. The zones
 * that none of them abbreviates are in a table if they are common; the rest print their offset, as Java does for zones
 * without a name: `GMT-03:00`. Source: java.util.Date.toString, and a JVM's output for the zones of the table.
 */

const localesWithAbbreviations = ["en-US", "en-GB", "en-AU", "en-IN", "en-ZA", "en-NZ", "en-HK", "en-SG", "en-KE"];

/** Zones without summer time that no English locale abbreviates. */
const abbreviations = new Map([
  ["GMT", "GMT"],
  ["America/Argentina/Buenos_Aires", "ART"],
  ["America/Buenos_Aires", "ART"],
  ["America/Sao_Paulo", "BRT"],
  ["Asia/Seoul", "KST"],
  ["Asia/Shanghai", "CST"],
  ["Asia/Tokyo", "JST"],
  ["Europe/Moscow", "MSK"],
]);

/** `wallMs` (since 1970) in the IANA zone `timeZone`, in Java's words. @throws RangeError for a zone nobody knows. */
export function javaDate(wallMs: number, timeZone: string): string {
  const part = partsOf("en-US", wallMs, timeZone);
  const zone = zoneName(wallMs, timeZone);
  return `${part.weekday} ${part.month} ${part.day} ${part.hour}:${part.minute}:${part.second} ${zone} ${part.year}`;
}

function zoneName(wallMs: number, timeZone: string): string {
  const known = abbreviations.get(timeZone);
  if (known !== undefined) return known;
  for (const locale of localesWithAbbreviations) {
    const name = partsOf(locale, wallMs, timeZone).timeZoneName;
    if (/^[A-Z]+$/.test(name)) return name;
  }
  return offsetName(partsOf("en-US", wallMs, timeZone).timeZoneName);
}

/** `GMT-3` as `GMT-03:00`. */
function offsetName(name: string): string {
  const match = /^GMT([+-])(\d{1,2})(?::(\d{2}))?/.exec(name);
  if (match === null) return name;
  return `GMT${match[1]!}${match[2]!.padStart(2, "0")}:${match[3] ?? "00"}`;
}

type DatePart = "weekday" | "month" | "day" | "hour" | "minute" | "second" | "year" | "timeZoneName";

/** Formatters are slow to make; there is one per locale and zone, and a server has one zone. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function partsOf(locale: string, wallMs: number, timeZone: string): Record<DatePart, string> {
  const key = `${locale} ${timeZone}`;
  let formatter = formatters.get(key);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat(locale, {
      timeZone,
      weekday: "short",
      month: "short",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      year: "numeric",
      hourCycle: "h23",
      timeZoneName: "short",
    });
    formatters.set(key, formatter);
  }
  const parts: Record<string, string> = {};
  for (const { type, value } of formatter.formatToParts(wallMs)) parts[type] = value;
  return parts;
}
