/**
 * A connection of the quorum port, as the roles see it: packets go into a writer and leave together at the turn's end;
 * packets that arrive are handed in one by one, and can be made to wait.
 */

import type { JuteWriter } from "#jute/writer.ts";

export interface QuorumLink {
  /** The peer's address, for the log: `10.0.0.3:51234`. */
  readonly remote: string;
  /** The writer to append packets to. */
  open(): JuteWriter;
  /** Hands over what was appended, without waiting for the turn's end. */
  flush(): void;
  /**
   * Hands over a piece of something long, which was appended.
   * @returns whether the next piece may follow at once; if not, `onDrained` is called when it may.
   */
  flushPiece(onDrained: () => void): boolean;
  /** Until {@link resume}, nothing that arrives is handed in. */
  pause(): void;
  resume(): void;
  /** Closes behind what was appended; nothing is handed in any more. */
  close(): void;
}

/** Why a connection or a role ended: what the log says. */
export class QuorumError extends Error {
  readonly code = "QUORUM";
}
