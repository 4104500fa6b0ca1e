/**
 * What to tell an operator about a file or folder that the operating system would not hand over: the true reason in
 * words, never `EACCES`, and what would be valid.
 *
 *   zoo.cfg: file is missing; valid is the path of a zoo.cfg
 *   /etc/zoo.cfg: cannot be read: permission denied; valid is a file that this user may read
 *   /data/myid: is a directory; valid is a file that holds this server's number
 *
 * Always: a ConfigError, and so exit code 2; "file is missing" are ZooKeeper's words. Everything is pure: the error
 * comes from whoever tried. Source: QuorumPeerConfig.parse, VerifyingFileFactory.
 */

import { ConfigError, errorCode, errorMessage } from "#base/errors.ts";

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EISDIR: "is a directory",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on the disk",
  ENOTDIR: "a part of the path is not a directory",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
};

/** Why the operating system refused, in words. */
export function fileErrorReason(error: unknown): string {
  return reasons[errorCode(error)] ?? errorMessage(error);
}

/** The error for a configuration file that `error` kept from being read. */
export function unreadableConfigFile(file: string, error: unknown): ConfigError {
  const isPort = /^\d+$/.test(file);
  const path = `the path of a zoo.cfg${isPort ? `, or a port and a data folder: start ${file} DATADIR` : ""}`;
  return unreadable(file, error, path);
}

/** The error for a myid file that is there and that `error` kept from being read. */
export function unreadableMyid(file: string, error: unknown): ConfigError {
  return unreadable(file, error, "a file that holds this server's number");
}

function unreadable(file: string, error: unknown, valid: string): ConfigError {
  return new ConfigError({ file, line: 0, key: "", problem: unreadableProblem(error, valid) });
}

function unreadableProblem(error: unknown, valid: string): string {
  switch (errorCode(error)) {
    case "ENOENT":
      return `file is missing; valid is ${valid}`;
    case "EISDIR":
      return `is a directory; valid is ${valid}`;
    case "EACCES":
      return "cannot be read: permission denied; valid is a file that this user may read";
    default:
      return `cannot be read: ${fileErrorReason(error)}; valid is ${valid}`;
  }
}
