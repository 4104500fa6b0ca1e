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
/** Writers that grew beyond this are not kept: it takes a reply of a megabyte and what went before it. */
const keptWriterBytesMax = 4 << 20;
const spareWritersMax = 256;
/** Large writers are worth keeping, since the system clears new memory page by page; all together take this at most. */
const spareBytesMax = 16 << 20;
/** Of a socket that is always a little behind nobody hears that all has left: writers beyond these are not waited for. */
const unsentWritersMax = 8;

export class Outbox {
  /** Connections that were lent a writer, oldest first; those before `#sent` have had their turn. */
  readonly #waiting: Client[] = [];
  #sent = 0;
  readonly #spare: JuteWriter[] = [];
  #spareBytes = 0;

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
    const writer = this.#spare.pop();
    if (writer === undefined) {
      client.out = new JuteWriter(isCrowded ? smallWriterBytes : writerBytes);
    } else {
      this.#spareBytes -= writer.bytes.length;
      writer.length = 0;
      client.out = writer;
    }
    client.isOutShared = false;
    return client.out;
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

  /** All that a connection was sent has left: what its socket held on to may be lent again. */
  reclaim(client: Client): void {
    const { unsent } = client;
    if (unsent === null) return;
    client.unsent = null;
    for (const writer of unsent) this.#keep(writer);
  }

  #send(client: Client): void {
    const writer = client.out;
    if (writer === null) return;
    const isShared = client.isOutShared;
    client.out = null;
    client.isOutShared = false;
    const hasLeft = writer.length === 0 || client.link.send(writer);
    if (isShared || writer.bytes.length < writerBytes || writer.bytes.length > keptWriterBytesMax) return;
    if (hasLeft) this.#keep(writer);
    else if (client.unsent === null) client.unsent = [writer];
    else if (client.unsent.length < unsentWritersMax) client.unsent.push(writer);
  }

  #keep(writer: JuteWriter): void {
    if (this.#spare.length >= spareWritersMax || this.#spareBytes + writer.bytes.length > spareBytesMax) return;
    this.#spare.push(writer);
    this.#spareBytes += writer.bytes.length;
  }
}
