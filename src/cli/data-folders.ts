/**
 * Whether a start could use its data folders, found out without making or changing anything.
 *
 *   <folder>/version-2 is there          it must be a folder, and writable
 *   it is not, autocreate is on          the nearest folder above it that is there must be writable
 *   it is not, autocreate is off         a start refuses
 *
 * Always: what is found here is what `prepareDatadir` of storage/datadir.ts would meet as this user, on this machine;
 * a disk that fills up in between is not foreseen.
 */

import { errorCode } from "#base/errors.ts";
import { fileErrorReason } from "#config/file-error.ts";

/** What the check asks of the file system; `node:fs` as it is fits. */
export interface FolderFiles {
  /** @throws when there is no such path, or no way to it. */
  statSync(path: string): { isDirectory(): boolean };
  /** @throws unless this user may do `mode` with the path. */
  accessSync(path: string, mode: number): void;
}

/** Write and enter: what it takes to make a file in a folder (W_OK | X_OK). */
const mayAdd = 2 | 1;

/** What would keep a start from using this data folder, in one sentence that names the path; null when nothing would. */
export function dataFolderProblem(files: FolderFiles, folder: string, isAutocreate: boolean): string | null {
  const wanted = `${folder}/version-2`;
  for (let path = wanted; ; path = parentOf(path)) {
    try {
      if (!files.statSync(path).isDirectory()) return `${path} is a file, where a folder is needed`;
    } catch (error) {
      if (isAbsence(error) && path !== parentOf(path)) continue;
      return `${path} cannot be looked at: ${fileErrorReason(error)}`;
    }
    if (path !== wanted && !isAutocreate) {
      return `${wanted} is missing, and must be made by hand (zookeeper.datadir.autocreate is false)`;
    }
    return writeProblem(files, path, wanted);
  }
}

function writeProblem(files: FolderFiles, path: string, wanted: string): string | null {
  try {
    files.accessSync(path, mayAdd);
    return null;
  } catch (error) {
    const failure = path === wanted ? `${path} cannot be written` : `${wanted} cannot be made in ${path}`;
    return `${failure}: ${fileErrorReason(error)}`;
  }
}

/** A file above the path reads as absence too, until the way up reaches that file. */
function isAbsence(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** The folder that holds a path; "/" and "." hold themselves. */
function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  if (slash < 0) return ".";
  return slash === 0 ? "/" : path.slice(0, slash);
}
