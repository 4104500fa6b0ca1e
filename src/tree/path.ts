/**
 * Paths of znodes, judged on their UTF-8 bytes where they lie in a request: no string is made.
 *
 *   full rule   "/" or ("/" component)+, no component empty, "." or "..", no character from
 *               U+0000-001F, U+007F-009F, U+D800-F8FF (surrogates, private use), U+FFF0-FFFF
 *   weak rule   there is a "/" and no U+0000                       (what create and delete look at first)
 *
 * ZooKeeper applies the full rule to UTF-16 units that its decoder made, so bytes that are not well-formed UTF-8 have
 * become U+FFFD, which is in the last forbidden range, and a character beyond the basic plane has become surrogates.
 * On bytes that is short: a legal path is well-formed UTF-8 of at most three bytes a character.
 *
 * ZooKeeper judges late (the full rule comes after the parent's look-up and ACL check) and reads do not judge at all;
 * which rule applies when is the business of pipeline/, not of this file.
 * A range of bytes is `[start, end)` throughout. The empty range is the root's internal alias: the parent of `/x`.
 * Source: PathUtils.java, PrepRequestProcessor.java, DataTree.isSpecialPath.
 */

const slash = 0x2f;
const dot = 0x2e;

/** The full rule, which create (on the final name), setData, setACL and check apply. */
export function validatePath(bytes: Uint8Array, start: number, end: number): boolean {
  if (end <= start || bytes[start] !== slash) return false;
  if (end - start === 1) return true;
  let componentStart = start + 1;
  let i = componentStart;
  while (i < end) {
    const byte = bytes[i]!;
    if (byte > slash && byte < 0x7f) {
      i++;
    } else if (byte === slash) {
      if (!isComponentName(bytes, componentStart, i)) return false;
      componentStart = ++i;
    } else if (byte > 0x7f) {
      const length = legalCharacterBytes(bytes, i, end);
      if (length === 0) return false;
      i += length;
    } else if (byte < 0x20 || byte === 0x7f) {
      return false;
    } else {
      i++;
    }
  }
  return isComponentName(bytes, componentStart, end);
}

/** The weak rule: a slash somewhere and no NUL anywhere. */
export function validatePathWeakly(bytes: Uint8Array, start: number, end: number): boolean {
  let hasSlash = false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === 0) return false;
    if (byte === slash) hasSlash = true;
  }
  return hasSlash;
}

/** Whether the range, a path or the name of a znode, is exactly `wanted`. */
export function isBytes(bytes: Buffer, start: number, end: number, wanted: Buffer): boolean {
  return end - start === wanted.length && wanted.compare(bytes, start, end) === 0;
}

/** Whether a NUL is in the path: the one thing that exists refuses. */
export function hasNul(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === 0) return true;
  return false;
}

/**
 * Offset of the last slash, or -1. The parent of a path is `[start, lastSlash)`, and its name begins behind the slash.
 * The parent of `/x` is the empty range, the root's alias; {@link parentEnd} spells it `/` instead.
 */
export function lastSlash(bytes: Uint8Array, start: number, end: number): number {
  for (let i = end - 1; i >= start; i--) if (bytes[i] === slash) return i;
  return -1;
}

/** End of the parent's range `[start, parentEnd)`, where the parent of `/x` is spelled `/`; -1 without a slash. */
export function parentEnd(bytes: Uint8Array, start: number, end: number): number {
  const at = lastSlash(bytes, start, end);
  return at === start ? start + 1 : at;
}

/** Whether the path is one of the four znodes that are always there and cannot be deleted. */
export function isSpecialPath(bytes: Uint8Array, start: number, end: number): boolean {
  switch (end - start) {
    case 1:
      return bytes[start] === slash;
    case 10:
      return isText(bytes, start, "/zookeeper");
    case 16:
      return isText(bytes, start, "/zookeeper/quota");
    case 17:
      return isText(bytes, start, "/zookeeper/config");
    default:
      return false;
  }
}

function isText(bytes: Uint8Array, start: number, ascii: string): boolean {
  for (let i = 0; i < ascii.length; i++) if (bytes[start + i] !== ascii.charCodeAt(i)) return false;
  return true;
}

function isComponentName(bytes: Uint8Array, start: number, end: number): boolean {
  switch (end - start) {
    case 0:
      return false;
    case 1:
      return bytes[start] !== dot;
    case 2:
      return bytes[start] !== dot || bytes[start + 1] !== dot;
    default:
      return true;
  }
}

/** Bytes (2 or 3) of the character that begins at `at` with a byte above 0x7F, or 0 if no path may hold it. */
function legalCharacterBytes(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first < 0xc2 || first > 0xef || at + 1 >= end) return 0;
  const second = bytes[at + 1]!;
  if ((second & 0xc0) !== 0x80) return 0;
  if (first < 0xe0) return first === 0xc2 && second < 0xa0 ? 0 : 2; // U+0080-009F
  if (at + 2 >= end) return 0;
  const third = bytes[at + 2]!;
  if ((third & 0xc0) !== 0x80) return 0;
  switch (first) {
    case 0xe0:
      return second < 0xa0 ? 0 : 3; // overlong
    case 0xed:
      return second < 0xa0 ? 3 : 0; // U+D800-DFFF
    case 0xee:
      return 0; // U+E000-EFFF
    case 0xef:
      if (second < 0xa4) return 0; // U+F000-F8FF
      return second === 0xbf && third >= 0xb0 ? 0 : 3; // U+FFF0-FFFF
    default:
      return 3;
  }
}
