/**
 * The way of writes on a read-only server: there is none. Whatever wants to be a write, a sync as well, is answered in its turn,
 * with NotReadOnly (replies.ts).
 * Source: ReadOnlyRequestProcessor.java.
 */

import { assert } from "#base/assert.ts";
import { WaitingSyncs } from "./waiting-syncs.ts";
import type { WritePath } from "./write-path.ts";

export class NoWrites implements WritePath {
  readonly length = 0;
  readonly takesSyncs = false;
  readonly syncs: WaitingSyncs = new WaitingSyncs();

  hasMoved(): boolean {
    return false;
  }

  timeIs(): void {}

  submit(): null {
    return null;
  }

  openSession(): never {
    assert(false, "a read-only server opens local sessions alone");
  }

  applying(): void {}

  readonly next = null;

  takeApplied(): null {
    return null;
  }

  release(): void {}
}
