/**
 * The version that clients, probes and dashboards recognise. It names the ZooKeeper whose behaviour this server has,
 * in the shape that parsers expect: `3.9.5-<40 hex digits>, built on YYYY-MM-DD HH:MM UTC`.
 *
 * In ZooKeeper the hash is the commit of the build. Ours is fixed text (the letters "nodekeeper" in hexadecimal,
 * padded with zeros), so that a look at it tells the two apart. Nothing but people reads it.
 * Source: Version.java.
 */

/** The release of ZooKeeper whose wire protocol, files and operator surface this server has. */
const zookeeperVersion = "3.9.5";

/** Stands where ZooKeeper has the commit of its build: fixed text. */
const revisionHash = "6e6f64656b656570657200000000000000000000";

/** What `srvr`, `stat`, `envi`, `mntr` and the AdminServer say. */
export const fullVersion: string = `${zookeeperVersion}-${revisionHash}, built on 2026-02-11 20:18 UTC`;

/** Our own version: package.json's. */
export const productVersion = "0.1.0";
