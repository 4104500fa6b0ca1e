/**
 * A file that says that what the folders hold may not be this server's history any more. Until that is settled the server has no
 * vote: it could help to elect a leader that lacks what was acknowledged.
 *
 *   <dataDir>/version-2/rejoin     empty: it was about to be replaced by a leader's history, which is older, or is damaged; a whole
 *                                  tree has to take its place. Operators make it, too.
 *                                  "truncation": the log was about to be cut. Cut or not it is a history, as long as the snapshot
 *                                  below holds nothing that the log does not have.
 *
 * Source: none. ZooKeeper starts from whatever is left.
 */

import type { Disk } from "#host/disk.ts";
import { readWhole, removeIfThere, writeAtomically } from "./atomic-file.ts";

/** What the mark waits for: a whole tree, or a look at snapshot and log. */
export type RejoinReason = "tree" | "truncation";

const name = "rejoin";
const contents: Readonly<Record<RejoinReason, string>> = { tree: "", truncation: "truncation\n" };

export class RejoinMark {
  readonly #disk: Disk;
  readonly #folder: string;

  /** @param folder the folder of the snapshots, version-2 included. */
  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /** Null when it is not there; whatever else it holds, it asks for a tree. @throws DiskError */
  async reason(): Promise<RejoinReason | null> {
    if ((await this.#disk.stat(this.#path)) === null) return null;
    const content = (await readWhole(this.#disk, this.#path, contents.truncation.length + 1)).toString("latin1");
    return content === contents.truncation ? "truncation" : "tree";
  }

  /** Sets it, durably; what has to wait for a tree goes on to. @throws DiskError */
  async set(reason: RejoinReason): Promise<void> {
    if ((await this.reason()) === "tree") return;
    await writeAtomically(this.#disk, this.#path, Buffer.from(contents[reason]));
  }

  /** Takes it away, durably, if it is there. @throws DiskError */
  async clear(): Promise<void> {
    await removeIfThere(this.#disk, this.#path);
  }

  get #path(): string {
    return `${this.#folder}/${name}`;
  }
}
