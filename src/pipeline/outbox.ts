/**
 * Outgoing bytes, gathered per connection and handed to each socket once a turn. Writers are lent to connections that
 * have something to say and come back when the kernel has taken the bytes, so ten thousand quiet connections hold none.
 *
 * An event may concern a hundred thousand connections: then their writers are small, and sending goes in slices.
 */

import { JuteWriter } from "#jute/writer.ts";
import type { Client } from "./client.ts";

const writerBytes = 16384;
/** When many connections are written to at once, most have a single event to be told. */
const smallWriterBytes = 256;
/** Writers that grew beyond this are not kept. */
const keptWriterBytesMax = 262144;
const spareWritersMax = 256;

export class Outbox {
  /** Connections that were lent a writer, oldest first; those before `#sent` have had their turn. */
  readonly #waiting: Client[] = [];
  #sent = 0;
  readonly #spare: JuteWriter[] = [];

  /** The writer to append this connection's frames to, this turn. */
  open(client: Client): JuteWriter {
    if (client.out !== null) return client.out;
    const isCrowded = this.#waiting.length - this.#sent >= spareWritersMax;
    const writer = this.#spare.pop() ?? new JuteWriter(isCrowded ? smallWriterBytes : writerBytes);
    writer.length = 0;
    client.out = writer;
    this.#waiting.push(client);
    return writer;
  }

  /**
   * Sends what connections have gathered, those first that have waited longest.
   * @returns false when `sendsMax` did not suffice and more is waiting.
   */
  flush(sendsMax: number = Number.POSITIVE_INFINITY): boolean {
    const waiting = this.#waiting;
    for (let sends = 0; this.#sent < waiting.length && sends < sendsMax; sends++) this.#send(waiting[this.#sent++]!);
    if (this.#sent < waiting.length) return false;
    waiting.length = 0;
    this.#sent = 0;
    return true;
  }

  /** Sends what one connection has gathered, before its turn. */
  flushOne(client: Client): void {
    this.#send(client);
  }

  /** Sends what one connection has gathered and closes it once that has left. */
  closeAfterSending(client: Client): void {
    this.#send(client);
    client.link.closeAfterSending();
  }

  #send(client: Client): void {
    const writer = client.out;
    if (writer === null) return;
    client.out = null;
    const isReusable = writer.length === 0 || client.link.send(writer);
    const isWorthKeeping = writer.bytes.length >= writerBytes && writer.bytes.length <= keptWriterBytesMax;
    if (isReusable && isWorthKeeping && this.#spare.length < spareWritersMax) {
      this.#spare.push(writer);
    }
  }
}
