/**
 * What a request asks for: the `type` of a RequestHeader, and of the transaction that a write becomes. Names and numbers
 * are ZooKeeper's (ZooDefs.OpCode); they are the same on the wire, in the log and between servers.
 *
 * Three kinds: writes become a transaction with a zxid, reads are served from local state, and a few belong to the
 * connection (ping, auth, sasl). `check` and the negative codes are legal inside a multi or between servers only.
 * Source: ZooDefs.java, Request.java, FinalRequestProcessor.java.
 */

export const OpCode = {
  notification: 0,
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  deleteContainer: 20,
  createTTL: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  createSession: -10,
  closeSession: -11,
  error: -1,
} as const;
export type OpCode = (typeof OpCode)[keyof typeof OpCode];

/**
 * The short tag that connection statistics show as the last operation (`cons`, `connections`). Codes that never get as
 * far as being served show `NA`.
 */
export function opName(code: number): string {
  return tags.get(code) ?? "NA";
}

/** ZooKeeper's word for the operation (`create2`, `getACL`), as its log lines print it; `unknown 42` for others. */
export function opWord(code: number): string {
  return words.get(code) ?? `unknown ${code}`;
}

/**
 * Whether a client may send this code as a request of its own. Anything else is answered with Unimplemented, and the
 * connection is closed.
 *
 * Two codes that ZooKeeper lets through are refused here: createSession, which makes it send a second handshake, and
 * deleteContainer, which deletes any empty znode without an ACL check. Both are for the server's own use.
 */
export function isClientRequest(code: number): boolean {
  return clientRequests.has(code);
}

/** Whether the operation becomes a transaction: it takes a zxid and travels through the log. */
export function isWriteOp(code: number): boolean {
  switch (code) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
    case OpCode.delete:
    case OpCode.deleteContainer:
    case OpCode.setData:
    case OpCode.setACL:
    case OpCode.check:
    case OpCode.multi:
    case OpCode.reconfig:
    case OpCode.createSession:
    case OpCode.closeSession:
      return true;
    default:
      return false;
  }
}

const tags: ReadonlyMap<number, string> = new Map<number, string>([
  [OpCode.create, "CREA"],
  [OpCode.create2, "CREA"],
  [OpCode.createContainer, "CREA"],
  [OpCode.createTTL, "CREA"],
  [OpCode.delete, "DELE"],
  [OpCode.deleteContainer, "DELE"],
  [OpCode.exists, "EXIS"],
  [OpCode.getData, "GETD"],
  [OpCode.setData, "SETD"],
  [OpCode.getACL, "GETA"],
  [OpCode.setACL, "SETA"],
  [OpCode.getChildren, "GETC"],
  [OpCode.getChildren2, "GETC"],
  [OpCode.getAllChildrenNumber, "GETACN"],
  [OpCode.getEphemerals, "GETE"],
  [OpCode.sync, "SYNC"],
  [OpCode.ping, "PING"],
  [OpCode.check, "CHEC"],
  [OpCode.multi, "MULT"],
  [OpCode.multiRead, "MLTR"],
  [OpCode.reconfig, "RECO"],
  [OpCode.checkWatches, "CHKW"],
  [OpCode.removeWatches, "REMW"],
  [OpCode.setWatches, "SETW"],
  [OpCode.setWatches2, "STW2"],
  [OpCode.addWatch, "ADDW"],
  [OpCode.whoAmI, "HOMI"],
  [OpCode.createSession, "SESS"],
  [OpCode.closeSession, "CLOS"],
]);

const words: ReadonlyMap<number, string> = new Map<number, string>(
  Object.entries(OpCode).map(([word, code]) => [code, word]),
);

const serversOnly: ReadonlySet<number> = new Set<number>([
  OpCode.notification,
  OpCode.check,
  OpCode.createSession,
  OpCode.deleteContainer,
  OpCode.error,
]);

const clientRequests: ReadonlySet<number> = new Set<number>(
  Object.values(OpCode).filter((code) => !serversOnly.has(code)),
);
