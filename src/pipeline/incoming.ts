/**
 * A request as it came in: where its frame lies, whose it is, and what the connection's credentials were at that moment.
 * One object serves all requests that are taken at once; those that wait in the throttle's queue have one each.
 */

import type { Identity } from "#auth/identity.ts";
import { readInt32 } from "#jute/reader.ts";
import { here } from "#session/session-tracker.ts";
import type { Client } from "./client.ts";

/** Length of a RequestHeader: xid int, type int. */
export const requestHeaderBytes = 8;

export class Incoming {
  client!: Client;
  identities: readonly Identity[] = [];
  readonly owner: object = here;
  /** The frame, header included, is `bytes[start, end)`. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** To be given back to the budget of large requests; 0 for a request that is not large. */
  largeBytes = 0;
  receivedMs = 0;
  /** It waited too long: answered with ThrottledOp instead of being executed. */
  isThrottled = false;

  get xid(): number {
    return readInt32(this.bytes, this.start);
  }

  get type(): number {
    return readInt32(this.bytes, this.start + 4);
  }

  /** What a judge wants to know of whoever asks. */
  get session(): Client["session"] {
    return this.client.session;
  }

  /** A copy that outlives the turn. */
  kept(): Incoming {
    const copy = new Incoming();
    copy.client = this.client;
    copy.identities = this.identities;
    copy.bytes = Buffer.from(this.bytes.subarray(this.start, this.end));
    copy.end = copy.bytes.length;
    copy.largeBytes = this.largeBytes;
    copy.receivedMs = this.receivedMs;
    return copy;
  }
}
