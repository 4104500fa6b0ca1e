/**
 * A file that says that what the folders hold is not this server's history any more: it was about to be replaced by a leader's,
 * which is older, or damaged. Until a whole tree has taken its place the server has no vote: it could
 * help to elect a leader that lacks what was acknowledged.
 *
 *   <dataDir>/version-2/rejoin     empty; there, or not
 *
 * Source: none. ZooKeeper starts from whatever is left.
 */

import type { Disk } from "#host/disk.ts";
import { removeIfThere } from "./atomic-file.ts";

const name = "rejoin";

export class RejoinMark {
  readonly #disk: Disk;
  readonly #folder: string;

  /** @param folder the folder of the snapshots, version-2 included. */
  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  async isSet(): Promise<boolean> {
    return (await this.#disk.stat(this.#path)) !== null;
  }

  /** Sets it, durably. @throws DiskError */
  async set(): Promise<void> {
    const file = await this.#disk.open(this.#path, "create");
    await file.close();
    await this.#disk.syncFolder(this.#folder);
  }

  /** Takes it away, durably, if it is there. @throws DiskError */
  async clear(): Promise<void> {
    await removeIfThere(this.#disk, this.#path);
  }

  get #path(): string {
    return `${this.#folder}/${name}`;
  }
}
