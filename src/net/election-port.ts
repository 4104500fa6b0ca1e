/**
 * The election port: one connection between each two servers, and the newest vote for each.
 *
 *   we connect to a smaller id    our first words, and the connection is the one that stays
 *   we connect to a larger id     our first words, and we close: it has heard that we are there, and connects to us
 *   a larger id connects to us    its first words, and the connection is the one that stays
 *   a smaller id connects to us   its first words, and we close it, and connect to the other; the connection before goes when
 *                                 that one is there
 *
 * So both ends agree which connection stays without a word about it. Behind the first words come votes, each with its length.
 * Only the newest vote for a server matters: while it cannot be sent, a newer one takes its place; a new connection
 * begins with the last one, in case it was lost with the old. So a connection that breaks is made again, a few times for
 * each vote: who is dying may still accept one.
 *
 * Of several addresses of a server the one that has led to nothing is left out the next time. And a connection over a network that is
 * gone breaks after a quarter of an hour only: where there is another address, a server that is looking and hears nothing connects
 * anew. (ZooKeeper pings the address. That takes privileges here; who is there answers a vote, or has one of its own to send.)
 *
 * Whatever comes in costs that connection at most: the first words have a deadline, lengths a limit, and the number of
 * connections that have not said who they are one too.
 * Source: QuorumCnxManager.java.
 */

import { errorCode } from "#base/errors.ts";
import { type Address, javaSocketAddress } from "#base/java-address.ts";
import type { Logger } from "#host/logger.ts";
import type { Timers } from "#host/timers.ts";
import type { Socket, SocketHandler, Wire } from "#host/wire.ts";
import { MarshallingError } from "#jute/reader.ts";
import { decodeInitialMessage, encodeInitialMessage } from "#quorum/initial-message.ts";
import { decodeNotification, encodeNotification, type Notification } from "#quorum/notification.ts";
import type { QuorumViews } from "#quorum/quorum-verifier.ts";
import { ServerState, type Vote } from "#quorum/vote.ts";
import { addressesText, connectToAny, type ListenerOfAll, listenOnAll } from "./addresses.ts";
import { ElectionLink, type ElectionPeer, forgetAnswer, framed, noBytes, silent, Stranger } from "./election-link.ts";

/** Where a port is. */
export interface ElectionPlace {
  /** Addresses to bind. */
  readonly bound: readonly Address[];
  /** How this server tells others where it listens. */
  readonly ownAddresses: readonly Address[];
}

export interface ElectionPortOptions {
  readonly sid: bigint;
  /** zookeeper.cnxTimeout */
  readonly connectTimeoutMs: number;
  /** How long the first words may take (zookeeper.quorumCnxnTimeoutMs). */
  readonly handshakeTimeoutMs: number;
  /** zookeeper.tcpKeepAlive */
  readonly isKeepAlive: boolean;
  /** How often each of several addresses is tried, and how far apart: zookeeper.electionPortBindRetry; 0 is for ever. */
  readonly bindAttempts: number;
  readonly bindAgainMs: number;
}

/** What the port tells. */
export interface ElectionPortEvents {
  received(sid: bigint, notification: Notification): void;
  /** Nobody listens where that server has its election port. */
  refused(sid: bigint): void;
}

/** Connections in place of one that broke, for each vote. */
const repeatsMax = 3;
/** After which a vote has no answer, of a server with several addresses. */
const answerMs = 1_000;
/** What a larger id is given to connect to us, once it has heard that we are there. */
const connectBackMs = 50;
/** Of the addresses that somebody says to have. */
const toldAddressesMax = 8;
/** Connections that have not said who they are. */
const strangersMax = 100;

export class ElectionPort {
  readonly #options: ElectionPortOptions;
  readonly #views: QuorumViews;
  readonly #wire: Wire;
  readonly #timers: Timers;
  readonly #logger: Logger;
  readonly #events: ElectionPortEvents;
  readonly #peers = new Map<bigint, ElectionPeer>();
  readonly #strangers = new Set<Stranger>();
  #place: ElectionPlace = { bound: [], ownAddresses: [] };
  #listener: ListenerOfAll | null = null;
  #isClosed = false;

  constructor(parts: {
    options: ElectionPortOptions;
    views: QuorumViews;
    wire: Wire;
    timers: Timers;
    logger: Logger;
    events: ElectionPortEvents;
  }) {
    this.#options = parts.options;
    this.#views = parts.views;
    this.#wire = parts.wire;
    this.#timers = parts.timers;
    this.#logger = parts.logger;
    this.#events = parts.events;
  }

  /**
   * Binds the port there; connections that are open stay. The place before is given up first, as in ZooKeeper. One call at a time;
   * it may be tried again. @throws the operating system's error when it cannot.
   */
  async open(place: ElectionPlace): Promise<void> {
    void this.#listener?.close();
    this.#listener = null;
    this.#place = place;
    if (this.#isClosed) return;
    const listener = await this.#listen(place);
    if (this.#isClosed) await listener.close();
    else this.#listener = listener;
  }

  async #listen({ bound }: ElectionPlace): Promise<ListenerOfAll> {
    const tell = ({ host, port }: Address): void =>
      this.#logger.info({ address: host, port }, `Election port bound to port: ${javaSocketAddress(host, port)}`);
    const { isKeepAlive, bindAttempts, bindAgainMs } = this.#options;
    const listener = await listenOnAll(
      { wire: this.#wire, logger: this.#logger },
      bound,
      { backlog: -1, isKeepAlive, accept: (socket) => this.#accept(socket) },
      { timers: this.#timers, attempts: bindAttempts, waitMs: bindAgainMs, bound: tell },
    );
    listener.bound.forEach(tell);
    return listener;
  }

  /** Closes the port and every connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const closing = this.#listener?.close();
    for (const stranger of this.#strangers) stranger.socket.destroy();
    for (const peer of this.#peers.values()) peer.link?.socket.destroy();
    await closing;
  }

  /** Whether all that was meant for at least one server has left. */
  get hasDelivered(): boolean {
    for (const { waiting } of this.#peers.values()) if (waiting === null) return true;
    return false;
  }

  /** Sends a vote, now or when there is a connection; it takes the place of one that has not left. */
  send(sid: bigint, vote: Vote): void {
    const peer = this.#peer(sid);
    peer.waiting = framed(encodeNotification(vote, this.#views.committed.text));
    peer.repeats = 0;
    if (peer.link === null) {
      this.#connect(sid);
      return;
    }
    peer.link.sendWaiting();
    if (vote.state === ServerState.looking && this.#addressesOf(sid).length > 1) this.#awaitAnswer(peer, peer.link);
  }

  /** Ends a connection over which nothing comes. */
  #awaitAnswer(peer: ElectionPeer, { socket }: ElectionLink): void {
    peer.answerTimer ??= this.#timers.after(answerMs, () => socket.destroy());
  }

  /** Connects to everybody that a vote was meant for and that there is no connection to. */
  connectAll(): void {
    for (const [sid, { link }] of this.#peers) if (link === null) this.#connect(sid);
  }

  #peer(sid: bigint): ElectionPeer {
    const known = this.#peers.get(sid);
    if (known !== undefined) return known;
    const peer: ElectionPeer = {
      link: null,
      waiting: null,
      last: null,
      repeats: 0,
      isConnecting: false,
      unproven: null,
      answerTimer: null,
    };
    this.#peers.set(sid, peer);
    return peer;
  }

  #connect(sid: bigint, told: readonly Address[] = []): void {
    const peer = this.#peer(sid);
    if (peer.isConnecting || this.#isClosed) return;
    const known = told.length > 0 ? told : this.#addressesOf(sid);
    const others = known.filter((address) => !isSameAddress(address, peer.unproven));
    const addresses = others.length > 0 && others.length < known.length ? others : known;
    if (addresses.length === 0) {
      this.#logger.warn({ sid: String(sid) }, `Invalid server id: ${sid} among remote servers`);
      return;
    }
    peer.isConnecting = true;
    const { connectTimeoutMs, isKeepAlive } = this.#options;
    connectToAny(this.#wire, addresses, {
      timeoutMs: connectTimeoutMs,
      isKeepAlive,
      connected: (socket, at) => {
        peer.isConnecting = false;
        peer.unproven = at;
        return this.#introduce(sid, socket);
      },
      failed: (error) => {
        peer.isConnecting = false;
        peer.unproven = null;
        if (this.#isClosed) return;
        this.#logger.warn(
          { sid: String(sid), error: error.message },
          `Cannot open channel to ${sid} at election address ${addressesText(addresses)}`,
        );
        if (errorCode(error) === "ECONNREFUSED" && addresses === known) this.#events.refused(sid);
      },
    });
  }

  #addressesOf(sid: bigint): Address[] {
    const member = this.#views.committed.member(sid) ?? this.#views.lastSeen.member(sid);
    return (member?.addresses ?? []).map(({ host, electionPort }) => ({ host, port: electionPort }));
  }

  /** Says the first words on a connection that we opened. */
  #introduce(sid: bigint, socket: Socket): SocketHandler | null {
    if (this.#isClosed) {
      socket.destroy();
      return null;
    }
    socket.write(encodeInitialMessage(this.#options.sid, this.#place.ownAddresses));
    if (sid > this.#options.sid) {
      this.#logger.info(
        { sid: String(sid) },
        `Have smaller server identifier, so dropping the connection: (myId:${this.#options.sid} --> sid:${sid})`,
      );
      socket.end();
      const peer = this.#peer(sid);
      return { ...silent, closed: () => this.#awaitOther(sid, peer) };
    }
    return this.#keep(sid, socket, noBytes);
  }

  /** Repeats, unless a larger id has connected to us by then. */
  #awaitOther(sid: bigint, peer: ElectionPeer): void {
    this.#timers.after(connectBackMs, () => this.#repeat(sid, peer));
  }

  /** Connects once more to who was lost, or has not connected to us. */
  #repeat(sid: bigint, peer: ElectionPeer): void {
    if (peer.link !== null || peer.repeats >= repeatsMax) return;
    peer.repeats++;
    this.#connect(sid);
  }

  #accept(socket: Socket): SocketHandler | null {
    // Who is honest says so at once: the oldest has had more time than it needs.
    if (this.#strangers.size >= strangersMax) {
      const [oldest] = this.#strangers;
      oldest!.socket.destroy();
      this.#strangers.delete(oldest!);
    }
    const stranger = new Stranger(
      socket,
      (bytes) => this.#greeted(stranger, bytes),
      () => this.#strangers.delete(stranger),
    );
    stranger.timer = this.#timers.after(this.#options.handshakeTimeoutMs, () => socket.destroy());
    this.#strangers.add(stranger);
    return stranger;
  }

  /** Someone who connected has said something. @returns who hears the rest, or null when more has to come. */
  #greeted(stranger: Stranger, bytes: Buffer): SocketHandler | null {
    const { socket } = stranger;
    const message = decodeInitialMessage(bytes);
    if (message === null) return null;
    const { sid, length, addresses } = message;
    const own = this.#options.sid;
    this.#logger.info(
      { sid: String(sid) },
      `Received connection request from /${socket.remoteAddress}:${socket.remotePort}`,
    );
    if (sid > own) return this.#keep(sid, socket, bytes.subarray(length));
    socket.destroy();
    if (sid === own) {
      this.#logger.warn(
        { sid: String(sid) },
        `We got a connection request from a server with our own ID. This should be either a configuration error, or a bug.`,
      );
    } else {
      this.#connect(sid, addresses.slice(0, toldAddressesMax));
    }
    return silent;
  }

  /** The connection is the one that stays. */
  #keep(sid: bigint, socket: Socket, rest: Buffer): ElectionLink {
    const peer = this.#peer(sid);
    peer.link?.socket.destroy();
    forgetAnswer(peer);
    const link = new ElectionLink(peer, socket, {
      message: (bytes) => {
        peer.unproven = null;
        forgetAnswer(peer);
        this.#take(sid, bytes);
      },
      closed: () => {
        if (peer.link !== link) return;
        peer.link = null;
        forgetAnswer(peer);
        // A larger id that has closed it may have the next one on its way: asked for another, it would close that one too.
        if (sid > this.#options.sid) this.#awaitOther(sid, peer);
        else this.#repeat(sid, peer);
      },
    });
    peer.link = link;
    peer.waiting ??= peer.last;
    link.sendWaiting();
    if (rest.length > 0) link.data(rest);
    return link;
  }

  #take(sid: bigint, bytes: Buffer): void {
    let notification: Notification;
    try {
      notification = decodeNotification(bytes);
    } catch (error) {
      if (!(error instanceof MarshallingError)) throw error;
      this.#logger.warn(
        { sid: String(sid), error: error.message },
        "Skipping the processing of a partial / malformed response message",
      );
      return;
    }
    this.#events.received(sid, notification);
  }
}

function isSameAddress(a: Address, b: Address | null): boolean {
  return a.host === b?.host && a.port === b.port;
}
