/**
 * What a server does by the clock while it serves, and stops doing when it stops:
 *
 *   every quarter tick   sessions that have expired are ended, a slice of them in each turn; on a learner, only local ones
 *   every stallTimeMs    the request throttle looks whether it may let somebody in, if it is switched on
 *   as configured        containers and TTL znodes that are due are removed (container-reaper.ts), old snapshots and logs
 *                        are purged, the first time right at the start
 *
 * Source: SessionTrackerImpl.run, RequestThrottler.run, ContainerManager.java, DatadirCleanupManager.java.
 */

import { Deque } from "#base/deque.ts";
import type { ServerMetrics } from "#base/metrics.ts";
import { hexOfHalves } from "#base/zxid.ts";
import type { ServerConfig } from "#config/server-config.ts";
import type { Timer } from "#host/timers.ts";
import type { PreparedWrites } from "#pipeline/prepared-writes.ts";
import type { RequestPipeline } from "#pipeline/request-pipeline.ts";
import type { Session } from "#session/session-tracker.ts";
import { purge } from "#storage/purge.ts";
import { ContainerReaper } from "./container-reaper.ts";
import type { HostParts } from "./host-parts.ts";
import type { Serving } from "./wiring.ts";

export interface HousekeepingParts {
  readonly config: ServerConfig;
  readonly metrics: ServerMetrics;
  readonly host: HostParts;
  /** Goes on with what the request throttle has held back. */
  readonly letIn: (pipeline: RequestPipeline, nowMs: number) => void;
  /** Requests of the server's own were submitted: what follows a chunk of a client's has to follow. */
  readonly turnEnded: () => void;
}

/** Expired sessions ended before other work gets its turn, and how long that may take. */
const expiriesPerTurnMax = 500;
const expiryMsMax = 4;

export class Housekeeping {
  readonly #parts: HousekeepingParts;
  readonly #timers: Timer[] = [];
  readonly #expired: Deque<Session> = new Deque();
  #reaper: ContainerReaper | null = null;
  #isStopped = false;

  constructor(parts: HousekeepingParts) {
    this.#parts = parts;
  }

  start(serving: Serving): void {
    const { config, host, letIn } = this.#parts;
    const { clock, timers } = host;
    const { pipeline, prepared } = serving;
    // Wakes the request throttle where no reply does: when everything it let in has been answered or has gone stale.
    if (pipeline.queue.isEnabled) {
      const wake = (): void => letIn(pipeline, clock.monotonicMs());
      this.#timers.push(timers.every(config.requestThrottle.stallTimeMs, wake));
    }
    if (prepared !== null || serving.localSessions !== null) {
      const expire = (): void => this.#expireSessions(serving);
      this.#timers.push(timers.every(Math.max(config.tickTimeMs / 4, 10), expire));
    }
    if (prepared !== null) {
      this.#reaper = this.#newReaper(serving, prepared);
      this.#reaper.start();
    }
    this.#schedulePurges(serving);
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#reaper?.stop();
  }

  #expireSessions(serving: Serving): void {
    if (this.#isStopped) return;
    const { metrics, host, turnEnded } = this.#parts;
    const { clock, logger, timers } = host;
    const nowMs = clock.monotonicMs();
    const { prepared, localSessions } = serving;
    // A learner's table has no timers: whom the leader lets expire is told by a transaction.
    for (const session of serving.database.sessions.expire(nowMs)) this.#expired.push(session);
    for (const session of localSessions?.expire(nowMs) ?? []) this.#expired.push(session);
    if (this.#expired.length === 0) return;
    const stopMs = nowMs + expiryMsMax;
    let left = expiriesPerTurnMax;
    // At least one in each turn, however many ephemerals it takes along.
    do {
      const session = this.#expired.shift();
      const id = `0x${hexOfHalves(session.idHigh, session.idLow)}`;
      logger.info({ session: id }, `Expiring session ${id}, timeout of ${session.timeoutMs}ms exceeded`);
      metrics.staleSessionsExpired.increment();
      if (session.isLocal) expireLocal(serving, session);
      else prepared?.expireSession(session, nowMs, clock.wallMs());
    } while (--left > 0 && this.#expired.length > 0 && clock.monotonicMs() < stopMs);
    turnEnded();
    if (this.#expired.length > 0) timers.atTurnEnd(() => this.#expireSessions(serving));
  }

  #newReaper({ database }: Serving, prepared: PreparedWrites): ContainerReaper {
    const { config, host, turnEnded } = this.#parts;
    const { clock, timers, logger } = host;
    return new ContainerReaper({
      tree: database.tree,
      options: config.container,
      clock,
      timers,
      logger,
      remove: (path) => {
        prepared.deleteContainer(path, clock.monotonicMs(), clock.wallMs());
        turnEnded();
      },
    });
  }

  #schedulePurges(serving: Serving): void {
    const { snapRetainCount, purgeIntervalHours } = this.#parts.config.autopurge;
    const { timers, logger } = this.#parts.host;
    logger.info({}, `autopurge.snapRetainCount set to ${snapRetainCount}`);
    logger.info({}, `autopurge.purgeInterval set to ${purgeIntervalHours}`);
    if (purgeIntervalHours <= 0) {
      logger.info({}, "Purge task is not scheduled.");
      return;
    }
    void this.#purge(serving);
    this.#timers.push(timers.every(purgeIntervalHours * 3_600_000, () => void this.#purge(serving)));
  }

  async #purge({ snapshots, folders, log }: Serving): Promise<void> {
    const { disk, logger } = this.#parts.host;
    logger.info({}, "Purge task started.");
    try {
      await snapshots.settled();
      await purge({
        disk,
        logger,
        ...folders,
        snapRetainCount: this.#parts.config.autopurge.snapRetainCount,
        openLogPath: log.openPath,
      });
      logger.info({}, "Purge task completed.");
    } catch (error) {
      logger.error({ error: String(error) }, "Error occurred while purging.");
    }
  }
}

/** Nobody else knows of it: its client's connection is all that is left. */
function expireLocal({ gate, localSessions }: Serving, session: Session): void {
  localSessions?.close(session);
  gate.clientOf(session.idHigh, session.idLow)?.link.closeNow();
}
