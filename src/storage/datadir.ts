/**
 * The two folders that hold all state: snapshots and epoch files in one, transaction logs in the other, which may be
 * the same.
 *
 *   <dataDir>/version-2/snapshot.<hex>, acceptedEpoch, currentEpoch
 *   <dataLogDir>/version-2/log.<hex>
 *
 * Nothing locks them: two servers on one folder destroy it. When the folders differ, a file of the other kind in one of
 * them means that the configuration was changed without moving the files, and that is refused.
 * Source: FileTxnSnapLog.java.
 */

import type { Disk } from "#host/disk.ts";

/** The data folders cannot be used; exit code 3. The message is ZooKeeper's. */
export class DatadirError extends Error {
  readonly code = "DATADIR";
  readonly facts: { readonly path: string };
  constructor(message: string, path: string, cause?: unknown) {
    super(message, { cause });
    this.facts = { path };
  }
}

export interface DatadirOptions {
  readonly disk: Disk;
  /** As configured, without version-2. */
  readonly dataDir: string;
  readonly dataLogDir: string;
  /** Whether missing folders are made: `datadir.autocreate`. */
  readonly isDatadirAutocreate: boolean;
}

export interface DataFolders {
  readonly snapshotFolder: string;
  readonly logFolder: string;
}

function dataFoldersOf(options: Pick<DatadirOptions, "dataDir" | "dataLogDir">): DataFolders {
  return { snapshotFolder: `${options.dataDir}/version-2`, logFolder: `${options.dataLogDir}/version-2` };
}

/**
 * Makes the folders where they are missing and checks that they can be used.
 * @throws DatadirError
 */
export async function prepareDatadir(options: DatadirOptions): Promise<DataFolders> {
  const folders = dataFoldersOf(options);
  const { snapshotFolder, logFolder } = folders;
  // Quirk: in ZooKeeper's text about the snap directory a space is missing, and scripts may look for it.
  await prepareFolder(options, logFolder, { kind: "data", gap: " " });
  await prepareFolder(options, snapshotFolder, { kind: "snap", gap: "" });
  if (logFolder === snapshotFolder) return folders;
  await refuseNames(options.disk, logFolder, "snapshot.", "Log directory has snapshot files.");
  await refuseNames(options.disk, snapshotFolder, "log.", "Snapshot directory has log files.");
  return folders;
}

async function prepareFolder(
  options: DatadirOptions,
  folder: string,
  text: { kind: "data" | "snap"; gap: string },
): Promise<void> {
  const { disk, isDatadirAutocreate } = options;
  if ((await disk.stat(folder)) === null) {
    if (!isDatadirAutocreate) {
      throw new DatadirError(
        `Missing ${text.kind} directory ${folder}, automatic data directory creation is disabled ` +
          `(zookeeper.datadir.autocreate is false).${text.gap}Please create this directory manually.`,
        folder,
      );
    }
    try {
      await disk.makeFolder(folder);
      await disk.syncFolder(folder.slice(0, folder.lastIndexOf("/")));
    } catch (cause) {
      throw new DatadirError(`Unable to create ${text.kind} directory ${folder}`, folder, cause);
    }
  }
  if (!(await disk.isWritable(folder))) {
    throw new DatadirError(`Cannot write to ${text.kind} directory ${folder}`, folder);
  }
}

async function refuseNames(disk: Disk, folder: string, prefix: string, problem: string): Promise<void> {
  const names = await disk.list(folder);
  if (!names.some((name) => name.startsWith(prefix))) return;
  throw new DatadirError(`${problem} Check if dataLogDir and dataDir configuration is correct.`, folder);
}
