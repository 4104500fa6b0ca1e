/**
 * A row of the key tables (parser-keys.ts, property-keys.ts, security-keys.ts): what becomes of one key.
 *
 *   honoured      read, and it does what it does in ZooKeeper
 *   ensembleOnly  concerns ensembles: checked where ZooKeeper checks it, without effect on a standalone server,
 *                 exactly as in ZooKeeper, so nothing is said about it; a member honours it, unless `unheeded` says why not
 *   noEffect      accepted; one line at start says why it has no effect here
 *   refused       the server does not start: doing without it would be unsafe, or would change what data means
 *
 * A row may refuse some values only: `refuse` looks at the value and answers with the reason, or null.
 */

export type Verdict = "honoured" | "ensembleOnly" | "noEffect" | "refused";

export interface KeyRow {
  /** The key as it is written in zoo.cfg (properties without their `zookeeper.`); a `*` at the end stands for any rest. */
  readonly name: string;
  readonly verdict: Verdict;
  /** honoured and ensembleOnly: the values it takes. noEffect: the reason. refused: the reason and the way out. */
  readonly text: string;
  /** The reason to refuse this value, or null; trimmed values only. */
  readonly refuse?: (value: string) => string | null;
  /** ensembleOnly: why it has no effect on a member of an ensemble either. */
  readonly unheeded?: string;
}

/** Reasons that more than one table gives. */
export const reasons = {
  oneEventLoop: "there is one event loop and no thread pool",
  noTls: "TLS is not supported yet, and a server that was asked for it must not start without it; remove the key",
  alwaysSynced: "an observer has a log and snapshots as any other member",
  allAddresses: "all addresses of a server are tried at once, and the first that answers is taken",
} as const;

export function honoured(name: string, values: string, refuse?: (value: string) => string | null): KeyRow {
  return refuse === undefined
    ? { name, verdict: "honoured", text: values }
    : { name, verdict: "honoured", text: values, refuse };
}

export function ensembleOnly(name: string, values: string, unheeded?: string): KeyRow {
  const row = { name, verdict: "ensembleOnly", text: values } as const;
  return unheeded === undefined ? row : { ...row, unheeded };
}

export function noEffect(name: string, reason: string, refuse?: (value: string) => string | null): KeyRow {
  return refuse === undefined
    ? { name, verdict: "noEffect", text: reason }
    : { name, verdict: "noEffect", text: reason, refuse };
}

export function refused(name: string, reason: string): KeyRow {
  return { name, verdict: "refused", text: reason };
}

/** For `refuse`: the reason when the value is Java's true. */
export function refuseTrue(reason: string): (value: string) => string | null {
  return (value) => (value.toLowerCase() === "true" ? reason : null);
}

/** For `refuse`: ZooKeeper's message when the value names a class that is not one of these. */
export function refuseUnless(classes: readonly string[], message: (name: string) => string): KeyRow["refuse"] & {} {
  return (value) => (classes.includes(value) ? null : `${message(value)}; valid is ${classes.join(" or ")}`);
}
