/**
 * The schemes that this server knows. `ip` is always there, `digest` unless it is switched off; whatever else the
 * configuration asks for (sasl, x509, ensemble) is added as a provider of its own. A scheme without a provider proves
 * nothing, is valid in no ACL and matches nobody.
 * Source: ProviderRegistry.java, AuthUtil.java.
 */

import { refused, type AuthenticationProvider, type AuthOutcome, type Caller } from "./authentication-provider.ts";
import { DigestProvider, type DigestAlgorithm } from "./digest-provider.ts";
import type { Identity } from "./identity.ts";
import { ipProvider } from "./ip-provider.ts";

export interface ProviderOptions {
  /** `DigestAuthenticationProvider.enabled` */
  readonly isDigestEnabled: boolean;
  /** `DigestAuthenticationProvider.digestAlg` */
  readonly digestAlgorithm: DigestAlgorithm;
  /** `DigestAuthenticationProvider.superDigest` */
  readonly superDigest: string | null;
  /** Further providers; one for a scheme that is already there takes its place. */
  readonly further: readonly AuthenticationProvider[];
}

/** ZooKeeper's own defaults. */
export const defaultProviderOptions: ProviderOptions = {
  isDigestEnabled: true,
  digestAlgorithm: "sha1",
  superDigest: null,
  further: [],
};

/** One line of a whoAmI reply (the record ClientInfo). */
export interface ClientInfo {
  readonly authScheme: string;
  readonly user: string;
}

export class ProviderRegistry {
  /** Comparisons of an ACL's entry with an identity that checks have come to at most: what such checks cost. */
  comparisons = 0;
  readonly #byScheme = new Map<string, AuthenticationProvider>();

  constructor(options: ProviderOptions = defaultProviderOptions) {
    this.#add(ipProvider);
    if (options.isDigestEnabled) {
      this.#add(new DigestProvider({ algorithm: options.digestAlgorithm, superDigest: options.superDigest }));
    }
    for (const provider of options.further) this.#add(provider);
  }

  get(scheme: string): AuthenticationProvider | undefined {
    return this.#byScheme.get(scheme);
  }

  /** The known schemes, for the log line about an unknown one. */
  schemes(): string[] {
    return [...this.#byScheme.keys()];
  }

  /** Judges an auth packet. An unknown or null scheme is refused. `data` is borrowed. */
  authenticate(scheme: string | null, caller: Caller, data: Uint8Array | null): AuthOutcome {
    const provider = scheme === null ? undefined : this.#byScheme.get(scheme);
    return provider === undefined ? refused : provider.authenticate(caller, data);
  }

  /** What whoAmI answers: a line per identity. One whose scheme has no provider, as `super`, has an empty user. */
  clientInfos(identities: readonly Identity[]): ClientInfo[] {
    return identities.map(({ scheme, id }) => ({ authScheme: scheme, user: this.get(scheme)?.userName(id) ?? "" }));
  }

  #add(provider: AuthenticationProvider): void {
    this.#byScheme.set(provider.scheme, provider);
  }
}
