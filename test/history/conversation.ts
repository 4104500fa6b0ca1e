/**
 * What a client writes down (recording-client.ts), and the checkers read: requests and what became of them, connection by
 * connection, in the order in which they were asked and answered.
 */

import type { Request } from "../support/requests.ts";

/** A request and what became of it. */
export interface Call {
  readonly client: number;
  readonly session: bigint;
  readonly xid: number;
  readonly request: Request;
  readonly askedMs: number;
  /** Null while, or if, nobody knows. */
  answer: { readonly atMs: number; readonly zxid: bigint; readonly err: number; readonly line: string } | null;
}

/** What the client was told: a reply, or an event, for which `call` is null. */
export interface Said {
  readonly zxid: bigint;
  readonly line: string;
  readonly call: Call | null;
}

/** A connection on which a session was granted, or on which one that the client has was asked for in vain. */
export interface Conversation {
  readonly client: number;
  readonly session: bigint;
  /** Name of the server at the other end. */
  readonly server: string;
  /** When the client asked for the session. */
  readonly knockedMs: number;
  isGranted: boolean;
  readonly calls: Call[];
  readonly said: Said[];
  /** When the client last asked what it was answered by a member in touch with its leader. */
  aliveMs: number;
}

/** A client was told that its session is over, which it had not closed. */
export interface Refusal {
  readonly session: bigint;
  /** When the client asked for it. */
  readonly askedMs: number;
  readonly toldMs: number;
  /** When it last asked what it was answered by a member in touch with its leader. */
  readonly aliveMs: number;
}
