/** The settings under which random plans are played: each changes what a client sees. */

import type { ServerSettings } from "../reference/server.ts";

export interface Configuration {
  readonly name: string;
  readonly settings: ServerSettings;
  /** jute.maxbuffer when it is small enough to be met by chance; frames of that many bytes are still accepted. */
  readonly frameBytesMax?: number;
  /** Quota znodes are among the paths. */
  readonly hasQuotas: boolean;
  /** Digest identities count, and so there is a super user who can clear up what ACLs shut. */
  readonly hasDigest: boolean;
  /** Sessions may be left to expire: ticks are short. */
  readonly mayExpire: boolean;
  /** The servers begin with old-root.ts. */
  readonly hasOldRoot: boolean;
}

const usual = { hasQuotas: false, hasDigest: true, mayExpire: false, hasOldRoot: false } as const;

export const configurations: readonly Configuration[] = [
  { ...usual, name: "default settings", settings: {} },
  { ...usual, name: "extendedTypesEnabled", settings: { config: { extendedTypesEnabled: "true" } } },
  { ...usual, name: "enforceQuota", settings: { config: { enforceQuota: "true" } }, hasQuotas: true },
  { ...usual, name: "quotas that only warn", settings: {}, hasQuotas: true },
  { ...usual, name: "skipACL", settings: { config: { skipACL: "yes" } } },
  {
    ...usual,
    name: "jute.maxbuffer 4096",
    settings: { properties: { "jute.maxbuffer": 4096 } },
    frameBytesMax: 4096,
  },
  {
    ...usual,
    name: "no digest authentication",
    settings: { config: { "DigestAuthenticationProvider.enabled": "false" } },
    hasDigest: false,
  },
  {
    ...usual,
    name: "short ticks",
    settings: {
      config: { tickTime: 200, maxSessionTimeout: 60_000, "closeSessionTxn.enabled": "false" },
    },
    mayExpire: true,
  },
  { ...usual, name: "counters at their ends", settings: {}, hasOldRoot: true },
];

/** @throws Error when there is none of that name. */
export function configurationOf(name: string): Configuration {
  const found = configurations.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no configuration is called ${JSON.stringify(name)}`);
  return found;
}
