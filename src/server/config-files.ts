/**
 * The files of a member's configuration, as the ensemble changes it: written one after the other, each as a whole.
 *
 *   seen        zoo.cfg.dynamic.next
 *   committed   zoo.cfg.dynamic.<version>, then zoo.cfg, which names it, then `.next` goes
 *
 * A crash in between leaves what a start can use: the old configuration as the committed one, and the new one as seen. The
 * transactions decide which of them counts; the files only say where to find the others. So, as with ZooKeeper, a folder that
 * cannot be written to, like a container's, costs a line in the log and no service.
 * Source: QuorumPeer.setLastSeenQuorumVerifier, setQuorumVerifier; QuorumPeerConfig.backupOldConfig.
 */

import { errorMessage } from "#base/errors.ts";
import { parseJavaProperties } from "#base/java-properties.ts";
import {
  backupFileOf,
  dynamicFileOf,
  dynamicFileText,
  nextFileOf,
  nextFileText,
  staticFileText,
} from "#config/dynamic-config.ts";
import type { Disk } from "#host/disk.ts";
import type { Logger } from "#host/logger.ts";
import { isMembershipKey } from "#quorum/membership.ts";
import type { QuorumVerifier } from "#quorum/quorum-verifier.ts";
import { readWhole, removeIfThere, writeAtomically } from "#storage/atomic-file.ts";

export class ConfigFiles {
  readonly #disk: Disk;
  readonly #logger: Logger;
  readonly #zooCfg: string;
  readonly #sid: bigint;
  #work: Promise<void> = Promise.resolve();

  /** @param parts.zooCfg absolute path of the file that the server was started with. */
  constructor(parts: { disk: Disk; logger: Logger; zooCfg: string; sid: bigint }) {
    this.#disk = parts.disk;
    this.#logger = parts.logger;
    this.#zooCfg = parts.zooCfg;
    this.#sid = parts.sid;
  }

  /** Copies a zoo.cfg that has the members in it: the first change will take them out. */
  backUp(): void {
    this.#do("backing up the configuration", async () => {
      const bytes = await readWhole(this.#disk, this.#zooCfg);
      const isStatic = parseJavaProperties(bytes, this.#zooCfg).some(({ key }) => isMembershipKey(key));
      if (isStatic) await writeAtomically(this.#disk, backupFileOf(this.#zooCfg), bytes);
    });
  }

  /** Writes what was seen last, then calls back, whether that was possible or not. */
  storeSeen(config: QuorumVerifier, stored: () => void): void {
    const bytes = Buffer.from(nextFileText(config));
    this.#do("writing next dynamic config file", () => {
      return writeAtomically(this.#disk, nextFileOf(this.#zooCfg), bytes);
    });
    void this.#work.then(stored);
  }

  /** Writes what was committed. @param isSeenLast whether nothing newer was seen. */
  storeCommitted(config: QuorumVerifier, isSeenLast: boolean): void {
    const dynamicFile = dynamicFileOf(this.#zooCfg, config.version);
    this.#do("writing the dynamic config file", async () => {
      await writeAtomically(this.#disk, dynamicFile, Buffer.from(dynamicFileText(config)));
      const bytes = await readWhole(this.#disk, this.#zooCfg);
      // Who is not in it any more keeps its port: it has to be told so.
      const isClientPortMoved = (config.member(this.#sid)?.client ?? null) !== null;
      const text = staticFileText(bytes, { zooCfg: this.#zooCfg, dynamicFile, isClientPortMoved });
      await writeAtomically(this.#disk, this.#zooCfg, text);
      if (isSeenLast) await removeIfThere(this.#disk, nextFileOf(this.#zooCfg));
    });
  }

  /** All that was to be written has been. */
  async close(): Promise<void> {
    await this.#work;
  }

  #do(what: string, work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      this.#logger.error({ file: this.#zooCfg, error: errorMessage(error) }, `Error ${what}`);
    });
  }
}
