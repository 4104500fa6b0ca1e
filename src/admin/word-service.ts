/**
 * Four-letter words as a service of a client port: recognises them in a connection's first bytes, looks at the
 * whitelist, measures what two of them show, and hands the answer to the connection.
 *
 * `conf` and `dirs` show sizes of folders, which takes the disk a moment; all others are answered at once. Health probes
 * ask `ruok`, `srvr` or `mntr` every few seconds from every side: they are counted as packets and logged at debug level.
 * Source: NIOServerCnxn.checkFourLetterWord, FourLetterCommands.java.
 */

import { javaSocketAddress } from "#base/java-address.ts";
import type { Disk } from "#host/disk.ts";
import type { Logger } from "#host/logger.ts";
import type { ClientConnection } from "#net/client-connection.ts";
import type { Client } from "#pipeline/client.ts";
import type { DescriptorCounts, FolderSizes, LiveFacts } from "#server/live-facts.ts";
import type { ClientServer } from "#server/client-server.ts";
import {
  answerFourLetterWord,
  enabledWords,
  fourLetterWord,
  type FourLetterWord,
  refusal,
} from "./four-letter-words.ts";

const noSizes: FolderSizes = { dataDirBytes: 0, dataLogDirBytes: 0 };

/** Size of the buffer that ZooKeeper writes an answer through (java.io.BufferedWriter). */
const packetCharacters = 8192;

export class WordService {
  readonly #server: ClientServer;
  readonly #facts: LiveFacts;
  readonly #disk: Disk;
  readonly #logger: Logger;
  readonly #enabled: ReadonlySet<FourLetterWord>;
  readonly #descriptors: () => DescriptorCounts;

  constructor(parts: {
    server: ClientServer;
    facts: LiveFacts;
    disk: Disk;
    logger: Logger;
    descriptors: () => DescriptorCounts;
  }) {
    this.#server = parts.server;
    this.#facts = parts.facts;
    this.#disk = parts.disk;
    this.#logger = parts.logger;
    this.#descriptors = parts.descriptors;
    const { fourLetterWordWhitelist } = parts.server.config;
    const whitelist = fourLetterWordWhitelist === "*" ? "*" : [...fourLetterWordWhitelist].join(",");
    this.#enabled = enabledWords(whitelist, false);
  }

  /** @returns whether the bytes begin with a word, in which case the connection gets its answer. */
  take(connection: ClientConnection, bytes: Buffer): boolean {
    const word = fourLetterWord(bytes);
    if (word === null) return false;
    const { client } = connection;
    const from = javaSocketAddress(client.remoteAddress, client.remotePort);
    this.#logger.debug({ word, from }, `Processing ${word} command from ${from}`);
    client.stats.received++;
    const { serving } = this.#server;
    if (serving !== null) serving.pipeline.stats.packetsReceived++;
    if (!this.#enabled.has(word)) {
      connection.answer(this.#counted(client, [refusal(word)]));
      return true;
    }
    // The bytes are borrowed until the end of the turn.
    const argument = Buffer.from(bytes.subarray(4));
    if (word === "conf" || word === "dirs")
      void this.#measure().then((sizes) => this.#answer(word, connection, sizes, argument));
    else this.#answer(word, connection, noSizes, argument);
    return true;
  }

  #answer(word: FourLetterWord, connection: ClientConnection, sizes: FolderSizes, argument: Buffer): void {
    const facts = this.#facts.of(this.#server.port!, sizes, this.#descriptors());
    connection.answer(this.#counted(connection.client, answerFourLetterWord(word, facts, argument)));
  }

  /** The pieces; once they have been taken they count as what ZooKeeper sends them in: buffers of 8,192 characters. */
  *#counted(client: Client, pieces: Iterable<string>): Iterable<string> {
    let length = 0;
    for (const piece of pieces) {
      length += piece.length;
      yield piece;
    }
    const packets = Math.ceil(length / packetCharacters);
    client.stats.sent += packets;
    if (this.#server.serving !== null) this.#server.serving.pipeline.stats.packetsSent += packets;
  }

  async #measure(): Promise<FolderSizes> {
    const { dataDir, dataLogDir } = this.#server.config;
    return {
      dataDirBytes: await this.#sizeOf(`${dataDir}/version-2`),
      dataLogDirBytes: await this.#sizeOf(`${dataLogDir}/version-2`),
    };
  }

  async #sizeOf(folder: string): Promise<number> {
    let total = 0;
    try {
      for (const name of await this.#disk.list(folder))
        total += (await this.#disk.stat(`${folder}/${name}`))?.sizeBytes ?? 0;
    } catch (error) {
      this.#logger.warn({ folder, error: String(error) }, "A data folder cannot be measured");
    }
    return total;
  }
}
