/**
 * Who is asking. A connection has a list of identities: from its first moment `ip` with the peer's address, and one or
 * more for each proof that succeeded. The list only grows, and it dies with the connection, not with the session.
 *
 * A list is never changed in place: a new one takes its place. So the list that a connection holds when a frame is read
 * is the request's credentials, a snapshot that costs nothing, and an auth packet affects later frames only.
 * Source: ServerCnxn.java.
 */

export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

/** The scheme that is above every ACL. No provider has it, so no ACL can name it. */
export const superScheme = "super";

/** The identities of a new connection. `address` is in Java's spelling: dotted, or eight groups without `::`. */
export function initialIdentities(address: string): readonly Identity[] {
  return [{ scheme: "ip", id: address }];
}

/** The list with `added` behind it, without duplicates; the same array when that changes nothing. */
export function addIdentities(current: readonly Identity[], added: readonly Identity[]): readonly Identity[] {
  const result = current.slice();
  for (const identity of added) if (!hasIdentity(result, identity)) result.push(identity);
  return result.length === current.length ? current : result;
}

/** Whether one of the schemes is among the identities: what `enforce.auth.schemes` asks of every request. */
export function hasScheme(identities: readonly Identity[], schemes: readonly string[]): boolean {
  return identities.some((identity) => schemes.includes(identity.scheme));
}

function hasIdentity(identities: readonly Identity[], wanted: Identity): boolean {
  return identities.some((identity) => identity.scheme === wanted.scheme && identity.id === wanted.id);
}
