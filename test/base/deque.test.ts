/** The ring against an array that does the same by moving its items. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AssertionError } from "#base/assert.ts";
import { Deque } from "#base/deque.ts";

type Move = "push" | "shift" | "pop";

function play(moves: readonly Move[]): void {
  const deque = new Deque<number>();
  const twin: number[] = [];
  moves.forEach((move, i) => {
    if (move === "push") {
      deque.push(i);
      twin.push(i);
    } else if (twin.length > 0) {
      expect(deque[move]()).toBe(twin[move]());
    }
    expect(deque.length).toBe(twin.length);
  });
  expect(Array.from({ length: deque.length }, (_, i) => deque.at(i))).toEqual(twin);
}

describe("a deque", () => {
  test("does what an array does, across every growth of the ring", () => {
    const move = fc.constantFrom<Move>("push", "push", "push", "shift", "pop");
    fc.assert(fc.property(fc.array(move, { maxLength: 300, size: "max" }), play), { seed: 1, numRuns: 200 });
  });

  test("keeps its order when the ring has turned before it grows", () => {
    const turned: Move[] = [...Array<Move>(10).fill("push"), ...Array<Move>(10).fill("shift")];
    play([
      ...turned,
      ...Array<Move>(70).fill("push"),
      ...Array<Move>(35).fill("shift"),
      ...Array<Move>(20).fill("pop"),
    ]);
  });

  test("gives nothing that it does not have", () => {
    const deque = new Deque<string>();
    expect(() => deque.shift()).toThrow(AssertionError);
    expect(() => deque.pop()).toThrow(AssertionError);
    deque.push("only");
    expect(() => deque.at(1)).toThrow(AssertionError);
    expect(() => deque.at(-1)).toThrow(AssertionError);
  });
});
