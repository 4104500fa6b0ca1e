/**
 * Outgoing bytes, gathered per connection and handed to each socket once a turn. Writers are lent to connections that
 * have something to say and come back when the kernel has taken the bytes, so ten thousand quiet connections hold none.
 */

import { JuteWriter } from "#jute/writer.ts";
import type { Client } from "./client.ts";

const writerBytes = 16384;
/** Writers that grew beyond this are not kept. */
const keptWriterBytesMax = 262144;
const spareWritersMax = 256;

export class Outbox {
  readonly #waiting: Client[] = [];
  readonly #spare: JuteWriter[] = [];

  /** The writer to append this connection's frames to, this turn. */
  open(client: Client): JuteWriter {
    if (client.out !== null) return client.out;
    const writer = this.#spare.pop() ?? new JuteWriter(writerBytes);
    writer.length = 0;
    client.out = writer;
    this.#waiting.push(client);
    return writer;
  }

  /** Sends what every connection has gathered. */
  flush(): void {
    const waiting = this.#waiting;
    for (let i = 0; i < waiting.length; i++) this.#send(waiting[i]!);
    waiting.length = 0;
  }

  /** Sends what one connection has gathered, before it is closed. */
  flushOne(client: Client): void {
    if (client.out === null) return;
    this.#send(client);
    const index = this.#waiting.indexOf(client);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  #send(client: Client): void {
    const writer = client.out;
    if (writer === null) return;
    client.out = null;
    const isReusable = writer.length === 0 || client.link.send(writer);
    if (isReusable && writer.bytes.length <= keptWriterBytesMax && this.#spare.length < spareWritersMax) {
      this.#spare.push(writer);
    }
  }
}
