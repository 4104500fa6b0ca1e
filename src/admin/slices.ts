/**
 * Long answers in slices. An answer about a hundred thousand connections or a million watches is read off the server
 * line by line; a slice is as many lines as make about 16 KiB of text, so the caller may send one per turn, wait while
 * the socket is full, and let requests pass in between. Always: the slices, put together, are the lines, put together.
 */

/** A slice ends with the line that reaches this. */
const sliceCharacters = 16 * 1024;

/** `lines` (each with its own line feed, if any) gathered into slices; lazy, never holds more than one slice. */
export function* slicesOf(lines: Iterable<string>): Generator<string, void, undefined> {
  let slice = "";
  for (const line of lines) {
    slice += line;
    if (slice.length >= sliceCharacters) {
      yield slice;
      slice = "";
    }
  }
  if (slice !== "") yield slice;
}
