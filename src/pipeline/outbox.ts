/**
 * Outgoing bytes, gathered per connection and handed to each socket once a turn. Writers are lent to connections that
 * have something to say and come back when the kernel has taken the bytes, so ten thousand quiet connections hold none.
 *
 * An event may concern a hundred thousand connections: then they share its frame, any writers are small, and sending goes in
 * slices.
 */

import { JuteWriter } from "#jute/writer.ts";
import type { Client } from "./client.ts";

const writerBytes = 16384;
/** When many connections are written to at once, most have little to be told. */
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
    const { out } = client;
    if (out === null) {
      this.#waiting.push(client);
      return this.#lend(client);
    }
    if (!client.isOutShared) return out;
    const writer = this.#lend(client);
    writer.writeRaw(out.bytes, 0, out.length);
    return writer;
  }

  /**
   * Appends what many connections are sent, an event. Where it is all that a connection is sent in this turn nothing is copied.
   * @param frame Not to be written to any more.
   */
  share(client: Client, frame: JuteWriter): void {
    if (client.out !== null) {
      this.open(client).writeRaw(frame.bytes, 0, frame.length);
      return;
    }
    client.out = frame;
    client.isOutShared = true;
    this.#waiting.push(client);
  }

  #lend(client: Client): JuteWriter {
    const isCrowded = this.#waiting.length - this.#sent >= spareWritersMax;
    const writer = this.#spare.pop() ?? new JuteWriter(isCrowded ? smallWriterBytes : writerBytes);
    writer.length = 0;
    client.out = writer;
    client.isOutShared = false;
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
    const isReusable = (writer.length === 0 || client.link.send(writer)) && !client.isOutShared;
    client.isOutShared = false;
    const isWorthKeeping = writer.bytes.length >= writerBytes && writer.bytes.length <= keptWriterBytesMax;
    if (isReusable && isWorthKeeping && this.#spare.length < spareWritersMax) {
      this.#spare.push(writer);
    }
  }
}
