/**
 * The table of data watches as text. Child watches, which getChildren leaves, are in another table that ZooKeeper does
 * not print. `wchp` and `wchc` walk every watch, which is why they are off unless the whitelist names them.
 *
 *   wchs   N connections watching M paths
 *          Total watches:K
 *   wchp   per path: PATH, then TAB 0xSESSION per watcher; an empty line at the end
 *   wchc   per session: 0xSESSION, then TAB PATH per path; an empty line at the end
 *
 * Source: WatchCommand, WatchManager.
 */

import { hexOfHalves } from "#base/zxid.ts";
import type { WatchFacts } from "#server/server-facts.ts";

/** The text of `wchs`. */
export function watchSummary(watches: WatchFacts): string {
  return (
    `${watches.connectionCount} connections watching ${watches.pathCount} paths\n` +
    `Total watches:${watches.watchCount}\n`
  );
}

/** The lines of `wchp`. */
export function* watchLinesByPath(watches: WatchFacts): Generator<string, void, undefined> {
  for (const { path, watchers } of watches.byPath) {
    yield `${path}\n`;
    for (const watcher of watchers) yield `\t0x${hexOfHalves(watcher.sessionIdHigh, watcher.sessionIdLow)}\n`;
  }
  yield "\n";
}

/** The lines of `wchc`. */
export function* watchLinesBySession(watches: WatchFacts): Generator<string, void, undefined> {
  for (const session of watches.bySession) {
    yield `0x${hexOfHalves(session.sessionIdHigh, session.sessionIdLow)}\n`;
    for (const path of session.paths) yield `\t${path}\n`;
  }
  yield "\n";
}
