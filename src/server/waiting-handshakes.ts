/**
 * Handshakes that reach a member between two roles. A leader is most often found within some tens of milliseconds, and clients
 * whose connections have just been cut come back sooner. ZooKeeper refuses them; clients then try the next member, which is between
 * two roles as well, and pause for a second when they have been through their list. Here such a handshake waits, for a short
 * while, and is answered by what the member has become.
 *
 *   begin   nobody is served any more: handshakes may wait from now on, none of them beyond `waitMs`
 *   play    somebody is served again: they are handled in the order they came
 *   end     it took too long, or the server stops: they are refused, as are those that come after
 */

import type { Timer, Timers } from "#host/timers.ts";
import type { Client } from "#pipeline/client.ts";

/** An election that takes longer has not found enough members yet: clients do better to look for another server. */
const waitMs = 250;
/** A ConnectRequest has 45 bytes, and more only with a long password; a stranger's long frame is not kept. */
const frameBytesMax = 256;

export class WaitingHandshakes {
  readonly #timers: Timers;
  readonly #waiting: { readonly client: Client; readonly frame: Buffer }[] = [];
  #timer: Timer | null = null;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  begin(): void {
    this.#timer ??= this.#timers.after(waitMs, () => this.end());
  }

  /** @returns whether the handshake in `bytes[start, end)` waits; its bytes are copied. */
  take(client: Client, bytes: Buffer, start: number, end: number): boolean {
    if (this.#timer === null || end - start > frameBytesMax) return false;
    this.#waiting.push({ client, frame: Buffer.from(bytes.subarray(start, end)) });
    return true;
  }

  /** @param connect handles one that has waited; false to close it without an answer. */
  play(connect: (client: Client, frame: Buffer) => boolean, nowMs: number): void {
    this.#stopTimer();
    for (const { client, frame } of this.#waiting.splice(0)) {
      if (client.isClosed) continue;
      if (!connect(client, frame)) client.link.closeNow();
      else if (client.isAttached) client.link.sessionAnswered(nowMs);
    }
  }

  end(): void {
    this.#stopTimer();
    for (const { client } of this.#waiting.splice(0)) client.link.closeNow();
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
