/**
 * The ports of a member: elections on one, everything between a leader and its learners on the other. Only a leader listens
 * on the second; a follower may serve observers on a third.
 * Source: QuorumCnxManager.java, Leader.LearnerCnxAcceptor, Learner.LeaderConnector.
 */

import { errorMessage } from "#base/errors.ts";
import type { Address } from "#base/java-address.ts";
import { ExitCode } from "#config/exit-code.ts";
import type { EnsembleConfig } from "#config/ensemble-config.ts";
import type { Socket, SocketHandler } from "#host/wire.ts";
import { addressesText, connectToAny, type ListenerOfAll, listenOnAll } from "#net/addresses.ts";
import { type ElectionPlace, ElectionPort } from "#net/election-port.ts";
import { QuorumConnection } from "#net/quorum-connection.ts";
import type { LearnerHandler } from "#quorum/learner-handler.ts";
import type { Learning } from "#quorum/learning.ts";
import { haveSameElectionAddress, type Member } from "#quorum/membership.ts";
import type { LearnerPort, PeerWire } from "#quorum/peer-parts.ts";
import type { QuorumPeer } from "#quorum/quorum-peer.ts";
import type { QuorumViews } from "#quorum/quorum-verifier.ts";
import type { Vote } from "#quorum/vote.ts";
import type { HostParts } from "./host-parts.ts";

/** Unsent bytes beyond which a peer is given up. */
const unsentBytesMax = 512 << 20;
/** FOLLOWERINFO has 20 bytes of data, LEADERINFO 4. */
const firstBytesMax = 1_024;
const bindAgainMs = 1_000;

/** Nobody can be listened to where this server has its election port; if it is another's, it is myid that is wrong. */
export class ElectionPortError extends Error {
  constructor({ bound }: ElectionPlace, sid: bigint, cause: unknown) {
    const place = `Exception while listening to the election port at ${addressesText(bound)}`;
    super(`${place}: ${errorMessage(cause)}; myid says that this is server ${sid}`, { cause });
  }
}

export class QuorumPorts implements PeerWire {
  /** Set once the peer is there; nothing calls before. */
  peer!: QuorumPeer;
  readonly #ensemble: EnsembleConfig;
  readonly #host: HostParts;
  readonly #views: QuorumViews;
  readonly #dataBytesMax: number;
  readonly #turnEnded: () => void;
  readonly #exit: (code: ExitCode) => void;
  readonly #election: ElectionPort;
  /** Where this server is, for other members. */
  #own: Member;
  readonly #written: QuorumConnection[] = [];
  /** When this turn's input came; negative between turns. */
  #turnMs = -1;
  #isFlushDue = false;
  #listener: Promise<ListenerOfAll | null> = Promise.resolve(null);
  #isListening = false;
  /** One move of the election port at a time. */
  #moving: Promise<void> = Promise.resolve();

  constructor(parts: {
    ensemble: EnsembleConfig;
    host: HostParts;
    views: QuorumViews;
    dataBytesMax: number;
    turnEnded: () => void;
    exit: (code: ExitCode) => void;
  }) {
    const { ensemble, host, views } = parts;
    this.#ensemble = ensemble;
    this.#host = host;
    this.#views = views;
    this.#dataBytesMax = parts.dataBytesMax;
    this.#turnEnded = parts.turnEnded;
    this.#exit = parts.exit;
    const { wire, timers, logger, clock } = host;
    this.#own = ensemble.own;
    this.#election = new ElectionPort({
      options: {
        sid: ensemble.sid,
        connectTimeoutMs: ensemble.election.connectTimeoutMs,
        handshakeTimeoutMs: ensemble.election.handshakeTimeoutMs,
        isKeepAlive: ensemble.election.isKeepAlive,
        bindAttempts: ensemble.election.bindAttempts,
        bindAgainMs,
      },
      views,
      wire,
      timers,
      logger,
      events: {
        received: (sid, notification) => {
          this.peer.receiveVote(sid, notification, clock.monotonicMs());
          parts.turnEnded();
        },
        refused: (sid) => {
          this.peer.voterRefused(sid, clock.monotonicMs());
          parts.turnEnded();
        },
      },
    });
  }

  /** Binds the election port, in several attempts; one address is enough. @throws ElectionPortError */
  async open(): Promise<void> {
    const { bindAttempts } = this.#ensemble.election;
    for (let attempt = 1; ; attempt++) {
      const place = this.#electionPlace();
      try {
        await this.#election.open(place);
        return;
      } catch (error) {
        const failure = new ElectionPortError(place, this.#ensemble.sid, error);
        if (attempt === bindAttempts) throw failure;
        this.#host.logger.error({ attempt }, failure.message);
        await new Promise<void>((resolve) => this.#host.timers.after(bindAgainMs, resolve));
      }
    }
  }

  /**
   * A reconfiguration has put this server there: its election port follows. The quorum port opens when it leads next. A server that
   * no other can reach could not take part in the next election: it ends, as ZooKeeper's does, and starts where it belongs.
   */
  move(own: Member): void {
    const before = this.#own;
    this.#own = own;
    if (haveSameElectionAddress(before, own)) return;
    this.#moving = this.#moving
      .then(() => this.open())
      .catch((error: unknown) => {
        this.#host.logger.error({}, errorMessage(error));
        this.#exit(ExitCode.unableToBindQuorumPort);
      });
  }

  #electionPlace(): ElectionPlace {
    const ownAddresses = this.#own.addresses.map(({ host, electionPort }) => ({ host, port: electionPort }));
    return { bound: this.#bound(ownAddresses), ownAddresses };
  }

  async close(): Promise<void> {
    this.unlisten();
    await this.#election.close();
    await this.#moving;
    await this.#listener;
  }

  get hasDelivered(): boolean {
    return this.#election.hasDelivered;
  }

  sendVote(sid: bigint, vote: Vote): void {
    this.#election.send(sid, vote);
  }

  connectAll(): void {
    this.#election.connectAll();
  }

  listen(at: LearnerPort): void {
    this.#isListening = true;
    this.#listener = this.#listener.then(() => (this.#isListening ? this.#bind(at) : null));
  }

  unlisten(): void {
    this.#isListening = false;
    this.#listener = this.#listener.then(async (listener) => {
      await listener?.close();
      return null;
    });
  }

  connect(sid: bigint, at: LearnerPort): void {
    const { clock, wire } = this.#host;
    const { committed, lastSeen } = this.#views;
    const member = committed.member(sid) ?? lastSeen.member(sid);
    if (member === null) {
      this.#host.timers.after(0, () => this.#connectFailed(sid, `no address of server ${sid}`));
      return;
    }
    connectToAny(wire, this.#learnerAddresses(member, at), {
      timeoutMs: this.#ensemble.election.connectTimeoutMs,
      isKeepAlive: false,
      connected: (socket) => {
        const connection = this.#connection(socket);
        const learning = this.peer.connected(connection, clock.monotonicMs());
        if (learning === null) connection.close();
        else this.#hearLeader(connection, learning);
        this.#turnEnded();
        return connection;
      },
      failed: (error) => this.#connectFailed(sid, error.message),
    });
  }

  #connectFailed(sid: bigint, reason: string): void {
    this.#host.logger.warn({ sid: String(sid), reason }, `Failed connect to the leader, server ${sid}`);
    this.peer.connectFailed(this.#host.clock.monotonicMs());
    this.#turnEnded();
  }

  async #bind(at: LearnerPort): Promise<ListenerOfAll | null> {
    const { logger } = this.#host;
    const addresses = this.#learnerAddresses(this.#own, at);
    try {
      return await listenOnAll(this.#host, this.#bound(addresses), {
        backlog: -1,
        isKeepAlive: false,
        accept: (socket) => this.#accept(socket),
      });
    } catch (error) {
      logger.error({ error: String(error) }, `Couldn't bind to port ${addressesText(addresses)}`);
      // A follower goes on without observers.
      this.peer.leading?.stop("the quorum port cannot be bound");
      this.#turnEnded();
      return null;
    }
  }

  #learnerAddresses({ addresses }: Member, at: LearnerPort): Address[] {
    const { observerMasterPort } = this.#ensemble;
    return addresses.map(({ host, quorumPort }) => ({ host, port: at === "leader" ? quorumPort : observerMasterPort }));
  }

  /** Where to listen, to be found at those addresses. */
  #bound(addresses: readonly Address[]): Address[] {
    if (!this.#ensemble.quorumListenOnAllIps) return [...addresses];
    return [...new Set(addresses.map(({ port }) => port))].map((port) => ({ host: "0.0.0.0", port }));
  }

  #accept(socket: Socket): SocketHandler | null {
    const connection = this.#connection(socket);
    const handler = this.peer.learnerConnected(connection, this.#host.clock.monotonicMs());
    if (handler === null) {
      connection.close();
      return null;
    }
    this.#hearLearner(connection, handler);
    return connection;
  }

  #connection(socket: Socket): QuorumConnection {
    return new QuorumConnection({
      socket,
      options: { dataBytesMax: this.#dataBytesMax, firstBytesMax, unsentBytesMax },
      logger: this.#host.logger,
      onWritten: this.#onWritten,
    });
  }

  #hearLeader(connection: QuorumConnection, learning: Learning): void {
    const turnEnded = (): void => this.#endTurn();
    connection.attach({
      wantsTree: () => learning.state === "ReceivingTree",
      packet: (packet) => learning.take(packet, this.#nowMs()),
      tree: (bytes, start, end) => learning.takeTree(bytes, start, end, this.#nowMs()),
      turnEnded,
      closed: (reason) => {
        learning.stop(reason === "" ? "closed" : reason);
        this.#endTurn();
      },
    });
  }

  #hearLearner(connection: QuorumConnection, handler: LearnerHandler): void {
    connection.attach({
      wantsTree: () => false,
      packet: (packet) => this.peer.learnerMaster?.take(handler, packet, this.#nowMs()),
      tree: () => 0,
      turnEnded: () => {
        this.peer.leading?.broadcast.settle();
        this.#endTurn();
      },
      closed: (reason) => {
        handler.close(reason === "" ? "closed" : reason);
        this.#endTurn();
      },
    });
  }

  /** The clock is read once for all packets of a turn. */
  #nowMs(): number {
    if (this.#turnMs < 0) this.#turnMs = this.#host.clock.monotonicMs();
    return this.#turnMs;
  }

  #endTurn(): void {
    this.#turnMs = -1;
    this.#turnEnded();
  }

  readonly #onWritten = (connection: QuorumConnection): void => {
    this.#written.push(connection);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#host.timers.atTurnEnd(this.#flush);
  };

  readonly #flush = (): void => {
    this.#isFlushDue = false;
    for (const connection of this.#written.splice(0)) connection.flush();
  };
}
