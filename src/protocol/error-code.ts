/**
 * The refusals that the protocol foresees: the `err` of a ReplyHeader, of an ErrorTxn and of a multi's failed parts.
 * They are values, never exceptions. Numbers are KeeperException.Code's; there is none between the gaps, and no new
 * one may be made up, since old clients throw on a code they do not know.
 *
 * Some are never sent by a server (connectionLoss, operationTimeout, requestTimeout: a client's own; systemError and
 * apiError mark ranges; unknownSession and sessionMoved stay inside). They are here so that any number that arrives
 * from a log or another server has a name.
 * Source: KeeperException.java.
 */

export const ErrorCode = {
  ok: 0,
  systemError: -1,
  /** Parts of a failed multi behind the one that failed. */
  runtimeInconsistency: -2,
  dataInconsistency: -3,
  connectionLoss: -4,
  /** A body that does not decode, and whatever ZooKeeper answers when an exception of its own gets in the way. */
  marshallingError: -5,
  /** An unknown operation (the connection is closed), or one that is switched off (it is not). */
  unimplemented: -6,
  operationTimeout: -7,
  badArguments: -8,
  unknownSession: -12,
  newConfigNoQuorum: -13,
  reconfigInProgress: -14,
  apiError: -100,
  noNode: -101,
  noAuth: -102,
  badVersion: -103,
  noChildrenForEphemerals: -108,
  nodeExists: -110,
  notEmpty: -111,
  sessionExpired: -112,
  invalidCallback: -113,
  invalidAcl: -114,
  authFailed: -115,
  sessionMoved: -118,
  notReadOnly: -119,
  ephemeralOnLocalSession: -120,
  noWatcher: -121,
  requestTimeout: -122,
  reconfigDisabled: -123,
  sessionClosedRequireSaslAuth: -124,
  quotaExceeded: -125,
  throttledOp: -127,
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** The code's name in this table (`noNode`), or the number as text where it has none. */
export function errorName(code: number): string {
  return names.get(code) ?? String(code);
}

const names: ReadonlyMap<number, string> = new Map<number, string>(
  Object.entries(ErrorCode).map(([name, code]) => [code, name]),
);
