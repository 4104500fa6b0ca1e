/**
 * The answer to `conf`: the configuration in force, `key=value` lines. A member of an ensemble adds its limits and
 * ports and then the membership, in the canonical spelling that dynamic configuration files and /zookeeper/config have:
 *
 *   membership:
 *   server.1=10.0.0.1:2888:3888:participant
 *   version=0                                   and no line feed at the very end
 *
 * A read-only server stops before `membership: `. Quirk: both directory sizes count every file below the directory,
 * so with one shared directory they are equal. Source: ZooKeeperServer.dumpConf, QuorumZooKeeperServer.dumpConf.
 */

import type { EnsembleConfigFacts, ServingFacts } from "#server/server-facts.ts";

/** The text of `conf`. */
export function confText(serving: ServingFacts): string {
  const { config } = serving;
  const text =
    `clientPort=${config.clientPort}\n` +
    `secureClientPort=${config.secureClientPort}\n` +
    `dataDir=${config.dataDir}\n` +
    `dataDirSize=${serving.dataDirBytes}\n` +
    `dataLogDir=${config.dataLogDir}\n` +
    `dataLogSize=${serving.dataLogDirBytes}\n` +
    `tickTime=${config.tickTimeMs}\n` +
    `maxClientCnxns=${config.maxClientCnxns}\n` +
    `minSessionTimeout=${config.minSessionTimeoutMs}\n` +
    `maxSessionTimeout=${config.maxSessionTimeoutMs}\n` +
    `clientPortListenBacklog=${config.clientPortListenBacklog}\n` +
    `serverId=${config.serverId}\n`;
  return config.ensemble === null ? text : text + ensembleText(config.ensemble);
}

function ensembleText(ensemble: EnsembleConfigFacts): string {
  const text =
    `initLimit=${ensemble.initLimitTicks}\n` +
    `syncLimit=${ensemble.syncLimitTicks}\n` +
    `electionAlg=${ensemble.electionAlg}\n` +
    `electionPort=${ensemble.electionPorts.join("|")}\n` +
    `quorumPort=${ensemble.quorumPorts.join("|")}\n` +
    `peerType=${ensemble.peerType === "participant" ? 0 : 1}\n`;
  return ensemble.membership === null ? text : `${text}membership: \n${ensemble.membership}`;
}
