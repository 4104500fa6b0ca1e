/**
 * What every server has that serves clients, on its own or in an ensemble: a client port, the parts that answer while it serves,
 * and the ends of turns.
 *
 *   turn ended   what was gathered for sockets is sent, then the log starts writing what was gathered for it
 *   applied      replies are sent; handshakes that were answered let their connections go on; the throttles let in more
 *
 * Source: ZooKeeperServer.java, ServerCnxnFactory.java.
 */

import { ServerMetrics } from "#base/metrics.ts";
import type { ExitCode } from "#config/exit-code.ts";
import type { ServerConfig } from "#config/server-config.ts";
import { ClientPort, ConnectionNumbers } from "#net/client-port.ts";
import type { Client } from "#pipeline/client.ts";
import type { RequestPipeline } from "#pipeline/request-pipeline.ts";
import type { TxnLog } from "#storage/txn-log.ts";
import { clientServices, type WordAnswerer } from "./client-services.ts";
import type { HostParts } from "./host-parts.ts";
import type { MemberFacts } from "./member-facts.ts";
import type { PersistenceParts } from "./persistence.ts";
import { WaitingHandshakes } from "./waiting-handshakes.ts";
import type { Serving } from "./wiring.ts";

/** Sockets written to before other work gets its turn. */
const sendsPerTurnMax = 250;
/** Bytes gathered for the log from which on it starts writing within the turn, while other sockets are still read. */
const eagerFlushBytes = 16384;

export interface ServerParts {
  readonly config: ServerConfig;
  readonly host: HostParts;
  readonly answerWord: WordAnswerer;
  /** Ends the process; the reason has been logged. */
  readonly exit: (code: ExitCode) => void;
}

export abstract class ClientServer {
  readonly config: ServerConfig;
  readonly metrics: ServerMetrics;
  readonly numbers: ConnectionNumbers = new ConnectionNumbers();
  readonly port: ClientPort | null;
  readonly handshakes: WaitingHandshakes;
  /** Null while nobody is served: while the database loads, during an election, when the server has stopped. */
  serving: Serving | null = null;
  protected readonly host: HostParts;
  protected readonly exit: (code: ExitCode) => void;
  readonly #answered: Client[] = [];
  #isSendDue = false;
  #isFlushDue = false;
  #unflushedCount = 0;

  constructor(parts: ServerParts) {
    const { config, host } = parts;
    this.config = config;
    this.host = host;
    this.exit = parts.exit;
    this.metrics = new ServerMetrics(host.random);
    this.handshakes = new WaitingHandshakes(host.timers);
    this.port = config.clientPort === null ? null : this.#newPort(config.clientPort, parts.answerWord);
  }

  /** The log that transactions go to now, if any. */
  protected abstract get log(): TxnLog | null;

  /** Null on a server on its own. */
  memberFacts(): MemberFacts | null {
    return null;
  }

  protected get persistence(): PersistenceParts {
    const { config, metrics, host, exit } = this;
    return { config, metrics, host, exit };
  }

  #newPort(port: number, answerWord: WordAnswerer): ClientPort {
    const { config, host } = this;
    const services = clientServices(this, host, answerWord);
    const options = {
      address: config.clientPortAddress,
      port,
      backlog: config.clientPortListenBacklog,
      isKeepAlive: config.clientTcpKeepAlive,
      maxClientCnxns: config.maxClientCnxns,
      maxCnxns: config.maxCnxns,
    };
    return new ClientPort({ options, services, numbers: this.numbers, logger: host.logger });
  }

  /** A socket's chunk has been handled. */
  turnEnded(): void {
    if (this.serving !== null) this.send(this.serving);
    const { log } = this;
    if (log === null) return;
    const { pendingBytes } = log;
    if (pendingBytes > eagerFlushBytes && this.config.flushDelayMs === 0) log.flush();
    if (this.#isFlushDue || pendingBytes === 0) return;
    this.#isFlushDue = true;
    const { timers } = this.host;
    if (this.config.flushDelayMs > 0) timers.after(this.config.flushDelayMs, this.#flushLog);
    else timers.atTurnEnd(this.#flushLog);
  }

  /** Hands sockets what was gathered for them; if they are very many, some now and the others in the next turns. */
  protected send(serving: Serving): void {
    if (serving.pipeline.outbox.flush(sendsPerTurnMax) || this.#isSendDue) return;
    this.#isSendDue = true;
    this.host.timers.atTurnEnd(() => {
      this.#isSendDue = false;
      this.send(serving);
    });
  }

  readonly #flushLog = (): void => {
    this.#isFlushDue = false;
    this.#unflushedCount = 0;
    this.log?.flush();
  };

  /** A transaction was handed to a log whose flush is delayed. */
  protected txnDelayed(): void {
    if (++this.#unflushedCount >= this.config.maxBatchSize) this.#flushLog();
  }

  /** A new session's handshake has been answered: its connection goes on when the turn's transactions are applied. */
  protected sessionAnswered(client: Client): void {
    this.#answered.push(client);
  }

  /** All transactions that could be applied have been. */
  protected allApplied(serving: Serving, nowMs: number): void {
    for (const client of this.#answered) client.link.sessionAnswered(nowMs);
    this.#answered.length = 0;
    this.letIn(serving.pipeline, nowMs);
  }

  /** Goes on with requests that the throttle held back and with connections that were paused. */
  protected letIn(pipeline: RequestPipeline, nowMs: number): void {
    pipeline.drainQueue(nowMs);
    pipeline.resumeIfIdle();
    this.turnEnded();
  }
}
