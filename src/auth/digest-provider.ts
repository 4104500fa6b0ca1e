/**
 * The scheme `digest`: a name and the hash of a name and password.
 *
 *   auth packet  user:password
 *   identity     user:BASE64(hash(user:password))     the whole packet is hashed; user ends at the first colon
 *
 * The packet is text before it is bytes: malformed UTF-8 becomes U+FFFD, and that is what is hashed. A packet without a
 * colon is a user without a password. A caller whose identity is the configured superDigest is the super user as well.
 * The hash must be the same on every server; ACLs made with another one match nobody.
 *
 * A user whose name has a character outside the basic plane is in two spellings: as it came, and as it lies in an ACL,
 * where jute has made two three-byte units of it and a reader makes two U+FFFD of those. ZooKeeper knows such a user until
 * it reads the ACL back from its files; here both spellings are the same user, whom the hash tells from any other.
 * Source: DigestAuthenticationProvider.java.
 */

import { createHash } from "node:crypto";
import { asBuffer, decodeUtf8 } from "#jute/reader.ts";
import { refused, type AuthenticationProvider, type AuthOutcome, type Caller } from "./authentication-provider.ts";
import { superScheme, type Identity } from "./identity.ts";

/** A hash that `DigestAuthenticationProvider.digestAlg` may name, by the name that node:crypto has for it. */
export type DigestAlgorithm =
  | "md5"
  | "sha1"
  | "sha224"
  | "sha256"
  | "sha384"
  | "sha512"
  | "sha512-224"
  | "sha512-256"
  | "sha3-224"
  | "sha3-256"
  | "sha3-384"
  | "sha3-512";

/** The hash of a Java algorithm name, in any case, or null for one that does not exist here. */
export function digestAlgorithmOf(javaName: string): DigestAlgorithm | null {
  return algorithms.get(javaName.toUpperCase()) ?? null;
}

export class DigestProvider implements AuthenticationProvider {
  readonly scheme = "digest";
  readonly isAuthenticated = true;
  readonly #algorithm: DigestAlgorithm;
  readonly #superDigest: string | null;

  /** @param options.superDigest the identity `name:hash` that is the super user's, if there is one. */
  constructor(options: { algorithm: DigestAlgorithm; superDigest: string | null }) {
    this.#algorithm = options.algorithm;
    this.#superDigest = options.superDigest;
  }

  authenticate(_caller: Caller, data: Uint8Array | null): AuthOutcome {
    if (data === null) return refused;
    const id = digestId(decodeUtf8(asBuffer(data), 0, data.length), this.#algorithm);
    const identities: Identity[] = [];
    if (this.#superDigest !== null && isSameSecret(id, this.#superDigest)) {
      identities.push({ scheme: superScheme, id: "" });
    }
    identities.push({ scheme: this.scheme, id });
    return { kind: "accepted", identities };
  }

  /** Two parts by Java's split, which drops empty parts at the end: `:x` and `a:b:` are valid, `a:` is not. */
  isValidId(id: string): boolean {
    let end = id.length;
    while (end > 0 && id[end - 1] === ":") end--;
    const colonAt = id.indexOf(":");
    return colonAt !== -1 && colonAt < end && id.lastIndexOf(":", end - 1) === colonAt;
  }

  matches(id: string, aclId: string): boolean {
    if (isSameSecret(id, aclId)) return true;
    return surrogate.test(id) && isSameSecret(id.replaceAll(surrogates, "\ufffd"), aclId);
  }

  userName(id: string): string {
    return beforeColon(id);
  }
}

/** The identity that the text `user:password` proves. */
export function digestId(userAndPassword: string, algorithm: DigestAlgorithm): string {
  const hash = createHash(algorithm).update(userAndPassword, "utf8").digest("base64");
  return `${beforeColon(userAndPassword)}:${hash}`;
}

const surrogate = /[\ud800-\udfff]/;
const surrogates = /[\ud800-\udfff]/g;

/** Equality in a time that does not tell how much of a guess was right. */
function isSameSecret(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

function beforeColon(text: string): string {
  const colonAt = text.indexOf(":");
  return colonAt === -1 ? text : text.slice(0, colonAt);
}

const algorithms: ReadonlyMap<string, DigestAlgorithm> = new Map<string, DigestAlgorithm>([
  ["MD5", "md5"],
  ["SHA", "sha1"],
  ["SHA1", "sha1"],
  ["SHA-1", "sha1"],
  ["SHA-224", "sha224"],
  ["SHA224", "sha224"],
  ["SHA-256", "sha256"],
  ["SHA256", "sha256"],
  ["SHA-384", "sha384"],
  ["SHA384", "sha384"],
  ["SHA-512", "sha512"],
  ["SHA512", "sha512"],
  ["SHA-512/224", "sha512-224"],
  ["SHA512/224", "sha512-224"],
  ["SHA-512/256", "sha512-256"],
  ["SHA512/256", "sha512-256"],
  ["SHA3-224", "sha3-224"],
  ["SHA3-256", "sha3-256"],
  ["SHA3-384", "sha3-384"],
  ["SHA3-512", "sha3-512"],
]);
