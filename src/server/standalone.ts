/**
 * A server on its own: its one disk is the quorum. It starts, has its turns, and stops; what it serves with is put
 * together in wiring.ts, what it does by the clock stands in housekeeping.ts.
 *
 *   start   folders -> client port bound (words answer "not serving") -> database loaded -> serving
 *   turn    a socket's chunk -> pipeline -> replies sent -> at the turn's end: the log starts writing what was gathered
 *   durable the log's batch -> applied, one transaction after the other -> events and replies sent
 *   stop    timers off -> port closed -> log written out
 *
 * Always: nothing is applied, and so nothing is answered or seen, before the log has it on disk. A log that fails ends
 * the server (exit code 1), unretried; so does a snapshot that fails (exit code 10).
 * Source: ZooKeeperServerMain.java, ZooKeeperServer.java.
 */

import { hexOfHalves } from "#base/zxid.ts";
import { readInt32 } from "#jute/reader.ts";
import type { Recovery } from "#storage/recovery.ts";
import { type LogBatch, recordOverheadBytes, recordPrefixBytes, type TxnLog } from "#storage/txn-log.ts";
import { ClientServer, type ServerParts } from "./client-server.ts";
import type { Database } from "./database.ts";
import { Housekeeping } from "./housekeeping.ts";
import { loadConfigured, newSnapshotTaker, newTxnLog } from "./persistence.ts";
import { logSink, preparedWrites, type Serving, wireServing } from "./wiring.ts";

/** Transactions applied between two sends: clients take up their replies while the rest of a batch is applied. */
const repliesPerSend = 128;
/** How long durable transactions are applied before sockets get their turn. */
const applyMsMax = 4;

export class StandaloneServer extends ClientServer {
  readonly #housekeeping: Housekeeping;
  /** Batches that are durable and not applied yet, and how many bytes of the first one are. */
  readonly #durable: LogBatch[] = [];
  #applied = 0;
  #isStopped = false;

  constructor(parts: ServerParts) {
    super(parts);
    const { config, host, metrics } = this;
    this.#housekeeping = new Housekeeping({
      config,
      metrics,
      host,
      letIn: (pipeline, nowMs) => this.letIn(pipeline, nowMs),
      turnEnded: () => this.turnEnded(),
    });
  }

  protected get log(): TxnLog | null {
    return this.serving?.log ?? null;
  }

  /** Binds the port, loads the database, serves. @throws what stands in the way. */
  async start(): Promise<Recovery> {
    const { clock, logger, timers, wire } = this.host;
    const { config } = this;
    const { tickTimeMs, minSessionTimeoutMs, maxSessionTimeoutMs, clientPortListenBacklog } = config;
    logger.info(
      {},
      `Created server with tickTime ${tickTimeMs} ms minSessionTimeout ${minSessionTimeoutMs} ms maxSessionTimeout ` +
        `${maxSessionTimeoutMs} ms clientPortListenBacklog ${clientPortListenBacklog} datadir ` +
        `${config.dataLogDir}/version-2 snapdir ${config.dataDir}/version-2`,
    );
    await this.port?.open(wire, timers);
    const { database, recovery } = await loadConfigured(this.persistence);
    const serving = this.#wire(database, recovery);
    database.sessions.start(clock.monotonicMs());
    database.dropOrphans(logger);
    // An empty database needs its snapshot.0 before its first transaction, or the next start is refused.
    if (recovery.kind !== "restored") await serving.snapshots.take();
    else if (recovery.txnsReplayed > 0) void serving.snapshots.take();
    this.serving = serving;
    this.#housekeeping.start(serving);
    return recovery;
  }

  /** Stops serving; what was acknowledged is on disk already. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#housekeeping.stop();
    const { serving } = this;
    await this.port?.close();
    this.serving = null;
    await serving?.log.close();
  }

  #wire(database: Database, folders: Recovery): Serving {
    const { persistence } = this;
    const log = newTxnLog(persistence, folders, (batch) => {
      this.#durable.push(batch);
      if (this.#durable.length === 1) this.#applyDurable();
    });
    const snapshots = newSnapshotTaker(persistence, folders, { database, log });
    const sink = logSink(persistence, log, {
      logged: () => snapshots.txnLogged(),
      delayed: () => this.txnDelayed(),
    });
    return wireServing({
      ...persistence,
      database,
      log,
      snapshots,
      folders,
      sid: 1,
      writesOf: (registry) => preparedWrites(persistence, database, registry, sink),
      clientOf: this.numbers.get,
      onSessionAnswered: (client) => this.sessionAnswered(client),
    });
  }

  /** Applies durable batches, oldest first, for as long as a turn may take; what is left follows in the next turn. */
  readonly #applyDurable = (): void => {
    const { serving } = this;
    if (serving === null) return;
    const { clock, timers } = this.host;
    const nowMs = clock.monotonicMs();
    const wallMs = clock.wallMs();
    const stopMs = nowMs + applyMsMax;
    let batch = this.#durable[0];
    while (batch !== undefined) {
      this.#applyRecords(serving, batch, nowMs, wallMs);
      if (this.#applied === batch.length) {
        this.#applied = 0;
        this.#durable.shift();
        serving.log.release(batch);
        batch = this.#durable[0];
      }
      if (batch !== undefined && (serving.pipeline.mustRest || clock.monotonicMs() > stopMs)) {
        timers.atTurnEnd(this.#applyDurable);
        break;
      }
    }
    this.#reportMismatches(serving.database);
    this.allApplied(serving, nowMs);
  };

  /** Applies some of the batch's transactions and sends their replies, so that clients go on while the rest follows. */
  #applyRecords(serving: Serving, batch: LogBatch, nowMs: number, wallMs: number): void {
    const { pipeline, database } = serving;
    const { header } = database.applier;
    const { bytes } = batch;
    let at = this.#applied;
    pipeline.effort.begin();
    for (let count = 0; at < batch.length && count < repliesPerSend && !pipeline.effort.isSpent; count++) {
      if (pipeline.mustRest) break;
      const length = readInt32(bytes, at + 8);
      const start = at + recordPrefixBytes;
      pipeline.applied(bytes, start, start + length, nowMs, wallMs);
      database.digests.applied(header.zxidHigh, header.zxidLow, database.tree.digest);
      at += length + recordOverheadBytes;
    }
    this.#applied = at;
    this.send(serving);
  }

  #reportMismatches({ applier, tree }: Database): void {
    const count = applier.digestMismatchCount;
    if (count === 0) return;
    applier.digestMismatchCount = 0;
    this.metrics.digestMismatchesCount.increment(count);
    const zxid = `0x${hexOfHalves(tree.lastZxidHigh, tree.lastZxidLow)}`;
    this.host.logger.error({ zxid, count }, `Digests are not matching at ${zxid}`);
  }
}
