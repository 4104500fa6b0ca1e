/**
 * The two epochs of a member, each in a file of its own beside the snapshots: a decimal number, nothing else.
 *
 *   acceptedEpoch   promised: this server listens to no leader of an earlier one
 *   currentEpoch    established: its history is, or continues, that of this epoch's leader
 *
 * A file is written under another name, synced and renamed. Transactions of a new epoch are in the log before currentEpoch says
 * so, and a crash in between leaves the log ahead of the file. For us the log decides then: what it holds of an epoch lies
 * behind everything that the epoch began with, so the server has joined it. ZooKeeper refuses to start there, unless it
 * finds the number in currentEpoch.tmp; so that is where it is put as soon as the epoch is accepted.
 * Source: QuorumPeer.loadDataBase, writeLongToFile.
 */

import { CorruptionError } from "#base/errors.ts";
import { epochMax } from "#base/zxid.ts";
import type { Disk } from "#host/disk.ts";
import { readWhole, renameTemporary, writeAtomically, writeTemporary } from "./atomic-file.ts";

export interface Epochs {
  readonly acceptedEpoch: bigint;
  readonly currentEpoch: bigint;
}

const acceptedName = "acceptedEpoch";
const currentName = "currentEpoch";
/** What is looked at of a file that should hold a number. */
const readBytesMax = 64;

export class EpochFiles {
  readonly #disk: Disk;
  readonly #folder: string;
  /** What currentEpoch.tmp holds, durably; null when that is not known. */
  #prepared: bigint | null = null;

  /** @param folder the folder of the snapshots, version-2 included. */
  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /**
   * Reads the epochs at a start; missing files are taken for that of the last zxid, and written.
   * @param lastZxid of tree and log; negative when there is none.
   * @throws CorruptionError when a file holds no epoch, or they cannot both be true. @throws DiskError
   */
  async load(lastZxid: bigint): Promise<Epochs> {
    const epochOfZxid = lastZxid < 0n ? 0n : lastZxid >> 32n;
    const current = await this.#read(currentName);
    const accepted = await this.#read(acceptedName);
    const currentEpoch = current === null || epochOfZxid > current ? epochOfZxid : current;
    const acceptedEpoch = accepted ?? epochOfZxid;
    if (acceptedEpoch < currentEpoch) {
      const expected = `at least ${currentEpoch}, the current epoch`;
      throw new CorruptionError({ path: this.#path(acceptedName), offset: 0, expected, found: String(acceptedEpoch) });
    }
    if (currentEpoch !== current) await this.#write(currentName, currentEpoch);
    if (acceptedEpoch !== accepted) await this.#write(acceptedName, acceptedEpoch);
    return { acceptedEpoch, currentEpoch };
  }

  /** Makes a newly accepted epoch durable. @throws DiskError: the server must stop. */
  async accept(epoch: bigint): Promise<void> {
    await this.#write(acceptedName, epoch);
    await writeTemporary(this.#disk, this.#path(currentName), bytesOf(epoch));
    await this.#disk.syncFolder(this.#folder);
    this.#prepared = epoch;
  }

  /** Makes a newly established epoch durable. @throws DiskError: the server must stop. */
  async establish(epoch: bigint): Promise<void> {
    const path = this.#path(currentName);
    if (this.#prepared !== epoch) await writeTemporary(this.#disk, path, bytesOf(epoch));
    this.#prepared = null;
    await renameTemporary(this.#disk, path);
  }

  async #read(name: string): Promise<bigint | null> {
    const path = this.#path(name);
    if ((await this.#disk.stat(path)) === null) return null;
    const text = (await readWhole(this.#disk, path, readBytesMax)).toString("latin1");
    const [line = ""] = text.split(/\r?\n/);
    if (!/^\d{1,18}$/.test(line) || BigInt(line) > epochMax) {
      const found = line === "" ? "nothing" : JSON.stringify(line);
      throw new CorruptionError({ path, offset: 0, expected: "an epoch, as a decimal number", found });
    }
    return BigInt(line);
  }

  async #write(name: string, epoch: bigint): Promise<void> {
    await writeAtomically(this.#disk, this.#path(name), bytesOf(epoch));
  }

  #path(name: string): string {
    return `${this.#folder}/${name}`;
  }
}

function bytesOf(epoch: bigint): Buffer {
  return Buffer.from(String(epoch));
}
