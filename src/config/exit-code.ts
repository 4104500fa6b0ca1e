/**
 * How the server ends: the numbers that init scripts, operators and orchestrators already know. A non-zero end is
 * announced by an ERROR line `Exiting JVM with code N`, whatever it is that exits.
 * Source: ExitCode.java, QuorumPeerMain.java, ZooKeeperServerMain.java.
 */

export const ExitCode = {
  executionFinished: 0,
  /** Any failure without a number of its own, among them a client port that cannot be bound. */
  unexpectedError: 1,
  /** Bad arguments or a bad configuration. */
  invalidInvocation: 2,
  unableToAccessDatadir: 3,
  /** Standalone only: an ensemble member goes on without its AdminServer. */
  errorStartingAdminServer: 4,
  txnLogErrorTakingSnapshot: 10,
  /** A COMMIT whose zxid is not that of the oldest pending proposal. */
  unmatchedTxnCommit: 12,
  quorumPacketError: 13,
  unableToBindQuorumPort: 14,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Printed on stderr, as a whole line, when a start fails for these reasons; scripts search for them. */
export const exitLine: Readonly<Partial<Record<ExitCode, string>>> = {
  [ExitCode.invalidInvocation]: "Invalid config, exiting abnormally",
  [ExitCode.unableToAccessDatadir]: "Unable to access datadir, exiting abnormally",
  [ExitCode.errorStartingAdminServer]: "Unable to start AdminServer, exiting abnormally",
};
