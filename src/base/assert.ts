/**
 * Assertions about ourselves, on in production. A broken invariant stops the process: a coordination service does
 * not guess. Bad input is never an assertion; it has its own errors (errors.ts).
 */

/** Thrown by {@link assert}; nothing catches it, so the process ends with the state it was found in. */
export class AssertionError extends Error {
  readonly code = "ASSERTION";
}

/**
 * Stops when `condition` is false.
 * @throws AssertionError naming what should have held.
 */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new AssertionError(`assertion failed: ${what}`);
}

/** The `default` of a switch over a closed union: a new member fails to compile where it must be handled. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}
