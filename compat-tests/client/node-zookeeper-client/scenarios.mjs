/**
 * The scenarios of ../README.md, played by node-zookeeper-client; each prints what it sees, one JSON value a line.
 *
 * usage: scenarios.mjs HOST:PORT SCENARIO
 *
 * The library is the file that the variable ZOOKEEPER_CLIENT names.
 */

import * as contents from "./contents.mjs";
import * as sessions from "./sessions.mjs";
import * as watching from "./watching.mjs";
import * as znodes from "./znodes.mjs";

const scenarios = {
  crud: znodes.crud,
  "create-modes": znodes.createModes,
  multi: znodes.multi,
  acl: znodes.acl,
  watches: watching.watches,
  "watch-order": watching.watchOrder,
  "session-end": sessions.sessionEnd,
  "session-expiry": sessions.sessionExpiry,
  "session-move": sessions.sessionMove,
  restart: sessions.restart,
  crash: sessions.crash,
  chroot: contents.chroot,
  quotas: contents.quotas,
  "large-data": contents.largeData,
  unicode: contents.unicode,
  "many-children": contents.manyChildren,
};

const [hosts, scenario] = process.argv.slice(2);
await scenarios[scenario](hosts);
// Clients that have lost their session for good, and relays, would keep the process.
process.exit(0);
