/**
 * The lines of `dump`: who will be forgotten when. Three parts: sessions in the buckets of the expiry queue (a learner,
 * which does not expire global sessions, lists their timeouts), ephemeral znodes by session, connections in buckets.
 *
 *   SessionTracker dump:
 *   Session Sets (2)/(1):                             buckets / sessions
 *   0 expire at Sun Nov 23 11:00:00 UTC 2025:
 *   1 expire at Sun Nov 23 11:00:02 UTC 2025:
 *   TAB 0x100000f3c2b0001
 *   ephemeral nodes dump:
 *   Sessions with Ephemerals (1):
 *   0x100000f3c2b0001:
 *   TAB /locks/a
 *   Connections dump:
 *   Connections Sets (1)/(1):                         the same shape as sessions
 *   1 expire at Sun Nov 23 11:00:10 UTC 2025:
 *   TAB ip: /10.0.0.7:51422 sessionId: 0x100000f3c2b0001
 *
 * (No blank follows a TAB.) Where there are local sessions, theirs come first under `Local Session Sets`.
 * Source: DumpCommand, ExpiryQueue.dump, LeaderSessionTracker, LearnerSessionTracker, DataTree.dumpEphemerals.
 */

import { hexOfHalves } from "#base/zxid.ts";
import { connectionName } from "./connection-lines.ts";
import { javaDate } from "./java-date.ts";
import type { ExpiryFacts, PortFacts, ServingFacts, SessionRef, SessionsFacts } from "#server/server-facts.ts";

/** All lines of `dump`; times are in `timeZone`. */
export function* dumpLines(
  serving: ServingFacts,
  port: PortFacts,
  timeZone: string,
): Generator<string, void, undefined> {
  yield "SessionTracker dump:\n";
  yield* sessionLines(serving.sessions, timeZone);
  yield "ephemeral nodes dump:\n";
  yield `Sessions with Ephemerals (${serving.ephemerals.sessionCount}):\n`;
  for (const session of serving.ephemerals.bySession) {
    yield `${sessionText(session)}:\n`;
    for (const path of session.paths) yield `\t${path}\n`;
  }
  yield "Connections dump:\n";
  yield* expiryLines("Connections", port.connectionExpiry, connectionName, timeZone);
}

function* sessionLines(sessions: SessionsFacts, timeZone: string): Generator<string, void, undefined> {
  const { local, global } = sessions;
  if (local !== null) yield* expiryLines("Local Session", local, sessionText, timeZone);
  if (global.kind === "expiry") {
    const title = local === null ? "Session" : "Global Session";
    yield* expiryLines(title, global.expiry, sessionText, timeZone);
    return;
  }
  yield `Global Sessions(${global.sessionCount}):\n`;
  for (const session of global.sessions) yield `${sessionText(session)}\t${session.timeoutMs}ms\n`;
}

function* expiryLines<Element>(
  title: string,
  expiry: ExpiryFacts<Element>,
  textOf: (element: Element) => string,
  timeZone: string,
): Generator<string, void, undefined> {
  yield `${title} Sets (${expiry.buckets.length})/(${expiry.elementCount}):\n`;
  for (const bucket of expiry.buckets) {
    yield `${bucket.elementCount} expire at ${javaDate(bucket.expiresAtMs, timeZone)}:\n`;
    for (const element of bucket.elements) yield `\t${textOf(element)}\n`;
  }
}

/** A session id as `dump` and the watch words print it. */
function sessionText(session: SessionRef): string {
  return `0x${hexOfHalves(session.sessionIdHigh, session.sessionIdLow)}`;
}
