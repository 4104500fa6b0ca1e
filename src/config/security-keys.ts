/**
 * The settings about who may do what: authentication providers, SASL, TLS. The rule for what is not built yet: where
 * starting without it would let somebody in, or hand out data in clear, the server refuses to start; where it would
 * only keep somebody out, the key is accepted and named. Source: ProviderRegistry, AuthenticationHelper, X509Util.
 */

import { digestAlgorithmOf } from "#auth/digest-provider.ts";
import { honoured, type KeyRow, noEffect, refuseTrue } from "./key-row.ts";

const bool = "true or false";
const noTlsPort = "TLS is not supported yet, and no port of this server speaks it";
const noSasl = "SASL is not supported yet";
const noSaslStart = `${noSasl}, and a server that was asked for it must not start without it; remove the key`;

const providerPackage = "org.apache.zookeeper.server.auth.";

/** The scheme that each of ZooKeeper's own authentication providers serves, by class name. */
export const schemeOfProvider: ReadonlyMap<string, string> = new Map([
  [`${providerPackage}IPAuthenticationProvider`, "ip"],
  [`${providerPackage}DigestAuthenticationProvider`, "digest"],
  [`${providerPackage}X509AuthenticationProvider`, "x509"],
  [`${providerPackage}EnsembleAuthenticationProvider`, "ensemble"],
]);

export const securityKeys: readonly KeyRow[] = [
  honoured("authProvider.*", "the class name of an authentication provider", refuseProvider),
  honoured("DigestAuthenticationProvider.enabled", bool),
  honoured("DigestAuthenticationProvider.digestAlg", "the name of a digest, such as SHA-256", refuseAlgorithm),
  honoured("DigestAuthenticationProvider.superDigest", "super: and the base64 digest of super:password"),
  honoured("ensembleAuthName", "names joined by commas"),
  honoured("enforce.auth.enabled", bool),
  honoured("enforce.auth.schemes", "schemes joined by commas"),
  honoured("sessionRequireClientSASLAuth", "false", refuseTrue(noSaslStart)),
  noEffect("allowSaslFailedClients", noSasl),
  noEffect("letAnySaslUserDoX", noSasl),
  noEffect("superUser", noSasl),
  noEffect("superUser.*", noSasl),
  noEffect("SASLAuthenticationProvider.superPassword", noSasl),
  noEffect("sasl.*", noSasl),
  noEffect("kerberos.*", noSasl),
  noEffect("security.auth_to_local", noSasl),
  noEffect("requireKerberosConfig", noSasl),
  noEffect("kinit", noSasl),
  noEffect("X509AuthenticationProvider.superUser", noTlsPort),
  noEffect("IPAuthenticationProvider.usexforwardedfor", "the AdminServer is not part of this version yet"),
  noEffect("fips-mode", noTlsPort),
  noEffect("ssl.*", noTlsPort),
  noEffect("client.secure", "it is a setting of clients"),
  noEffect("clientCnxnSocket", "it is a setting of clients"),
];

function refuseProvider(className: string): string | null {
  if (className === `${providerPackage}SASLAuthenticationProvider`) return noSaslStart;
  if (className === `${providerPackage}KeyAuthenticationProvider`) {
    return "the key provider is a toy of ZooKeeper's tests that admits anybody; remove the key";
  }
  return null;
}

function refuseAlgorithm(name: string): string | null {
  if (digestAlgorithmOf(name) !== null) return null;
  const problem = `don't support this ACL digest algorithm: ${name} in the current environment`;
  return `${problem}; valid is MD5, SHA1, or a SHA-2 or SHA-3 such as SHA-256 or SHA3-512`;
}
