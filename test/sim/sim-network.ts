/**
 * A network in memory: connections that deliver bytes late, in pieces and in order; links that are cut in one direction or
 * both, so that bytes wait and arrive when the link heals, as TCP has it; machines that vanish with or without a word.
 *
 *   write -> in flight -> (delay; waits while the link is cut or the reader is paused) -> data
 *   end, destroy, a crash -> behind what is in flight, or instead of it
 *
 * Each node has a {@link Wire} of its own, and its name is its address. It may have more, each in a network of its own: what is sent
 * to the second address of one comes from the second of the other. One that goes dark is there no more, for connections that are
 * open either. Everything a node hears happens in an event of its own.
 */

import type { ConnectOptions, Listener, ListenOptions, Socket, SocketHandler, Wire } from "#host/wire.ts";
import type { Dice, Schedule, ScheduledEvent } from "./schedule.ts";

export interface NetworkOptions {
  /** Longest usual delay of a piece. */
  readonly delayMsMax: number;
  /** One piece in so many is cut in two at any byte. */
  readonly splitOneIn: number;
  /** Bytes in flight beyond which a writer has to wait. */
  readonly windowBytes: number;
  /** How many bytes each of these counts for: where it is 1024, a KB is what a MB is elsewhere. */
  readonly bytesWeight: number;
}

/** How often a sender tries whether a cut link has healed. */
const retransmitMs = 200;
const anyAddress = "0.0.0.0";

export class SimNetwork {
  readonly schedule: Schedule;
  readonly dice: Dice;
  readonly options: NetworkOptions;
  /** By each of their addresses. */
  readonly #nodesAt = new Map<string, SimNode>();
  readonly #cuts = new Set<string>();
  readonly #dark = new Set<string>();
  #nextPort = 40_000;

  constructor(schedule: Schedule, dice: Dice, options: NetworkOptions) {
    this.schedule = schedule;
    this.dice = dice;
    this.options = options;
  }

  /** The machine of that name, which is there from the first call on; that one says what its other addresses are. */
  node(name: string, others: readonly string[] = []): SimNode {
    const known = this.#nodesAt.get(name);
    if (known !== undefined) return known;
    const node = new SimNode(this, name, others);
    for (const address of node.addresses) this.#nodesAt.set(address, node);
    return node;
  }

  /** Nothing that `from` sends reaches `to`. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from} ${to}`);
  }

  /** Nothing reaches that address, nor anybody from there. */
  darken(address: string): void {
    this.#dark.add(address);
  }

  lighten(address: string): void {
    this.#dark.delete(address);
  }

  heal(from?: string, to?: string): void {
    if (from !== undefined && to !== undefined) {
      this.#cuts.delete(`${from} ${to}`);
      return;
    }
    this.#cuts.clear();
    this.#dark.clear();
  }

  /** Whether what is sent at that end does not reach the other. */
  isSevered({ node, other, remoteAddress }: SimSocket): boolean {
    return this.#isCut(node, other.node) || this.#dark.has(remoteAddress) || this.#dark.has(other.remoteAddress);
  }

  #isCut(from: SimNode, to: SimNode): boolean {
    return this.#cuts.has(`${from.name} ${to.name}`);
  }

  delayMs(): number {
    return 0.1 + this.dice.skewed(this.options.delayMsMax);
  }

  ephemeralPort(): number {
    return this.#nextPort++;
  }

  connect(from: SimNode, options: ConnectOptions): void {
    const { schedule } = this;
    const to = this.#nodesAt.get(options.host);
    const fail = (afterMs: number, code: string): void => {
      from.later(schedule, afterMs, () => {
        options.failed(Object.assign(new Error(`${code}: ${options.host}:${options.port}`), { code }));
      });
    };
    if (to === undefined) {
      fail(this.delayMs(), "ENOTFOUND");
      return;
    }
    const source = from.addressTowards(to, options.host);
    from.later(schedule, this.delayMs(), () => {
      const isDark = to.isDark || this.#dark.has(source) || this.#dark.has(options.host);
      if (isDark || this.#isCut(from, to) || this.#isCut(to, from)) {
        fail(options.timeoutMs, "ETIMEDOUT");
        return;
      }
      const listening = to.listeningAt(options);
      if (listening === null) {
        fail(this.delayMs(), "ECONNREFUSED");
        return;
      }
      const near = new SimSocket(this, from, { address: options.host, port: options.port });
      const far = new SimSocket(this, to, { address: source, port: this.ephemeralPort() });
      this.#join(near, far, listening, options);
    });
  }

  #join(near: SimSocket, far: SimSocket, listening: ListenOptions, options: ConnectOptions): void {
    near.other = far;
    far.other = near;
    near.node.sockets.add(near);
    far.node.sockets.add(far);
    far.handler = listening.accept(far);
    near.node.later(this.schedule, this.delayMs(), () => {
      if (!near.isOpen) return;
      near.handler = options.connected(near);
      near.wake();
    });
  }
}

/** As {@link SimNode.listeners} has it. */
export function placeText(address: string, port: number): string {
  return `${address}:${port}`;
}

export class SimNode {
  readonly name: string;
  /** Where other machines of its kind find it alone; none where its name will do. */
  readonly innerAddresses: readonly string[];
  readonly addresses: readonly string[];
  /** Of the process that runs now; that of an earlier one does nothing any more. */
  wire: Wire;
  /** Told before something is sent; it may let the process die. */
  beforeSend: () => void = () => {};
  /** By address and port. */
  readonly listeners: Map<string, ListenOptions> = new Map();
  readonly sockets: Set<SimSocket> = new Set();
  /** Raised by every crash: what an earlier life began does not end in a later one. */
  life = 0;
  /** Nobody answers there, not even to say so. */
  isDark = false;
  /** Up to then the process stands still: what is due meanwhile happens afterwards. */
  frozenUntilMs = 0;
  readonly #network: SimNetwork;

  constructor(network: SimNetwork, name: string, others: readonly string[]) {
    this.name = name;
    this.innerAddresses = others.filter((address) => address !== name);
    this.addresses = [name, ...this.innerAddresses];
    this.#network = network;
    this.wire = this.#newWire();
  }

  #newWire(): Wire {
    const { life } = this;
    const check = (): void => {
      if (life !== this.life) throw new Error("the process is dead");
    };
    return {
      listen: async (options) => {
        check();
        return this.#listen(options);
      },
      connect: (options) => {
        if (life === this.life) this.#network.connect(this, options);
      },
    };
  }

  /** Who listens at that address, be it as one of all. */
  listeningAt({ host, port }: { readonly host: string; readonly port: number }): ListenOptions | null {
    const { listeners } = this;
    return listeners.get(placeText(host, port)) ?? listeners.get(placeText(anyAddress, port)) ?? null;
  }

  /** Where what it sends to that address comes from. */
  addressTowards({ addresses }: SimNode, address: string): string {
    return this.addresses[addresses.indexOf(address)] ?? this.name;
  }

  /** The process is gone. `isSilent`: so is the machine, and its peers are told nothing until they ask. */
  crash(isSilent: boolean): void {
    this.life++;
    this.listeners.clear();
    this.isDark = isSilent;
    for (const socket of this.sockets) socket.vanish(isSilent);
    this.sockets.clear();
  }

  /** The machine is up again. */
  boot(): void {
    this.isDark = false;
    this.frozenUntilMs = 0;
    this.wire = this.#newWire();
  }

  /** Does it in the process of that life, unless that has ended by then: after the delay, and not while it stands still. */
  later(schedule: Schedule, delayMs: number, action: () => void, life: number = this.life): ScheduledEvent {
    const handle: ScheduledEvent = { isCancelled: false };
    const attempt = (): void => {
      if (handle.isCancelled || life !== this.life) return;
      if (schedule.nowMs < this.frozenUntilMs) schedule.after(this.frozenUntilMs - schedule.nowMs, attempt);
      else action();
    };
    schedule.after(delayMs, attempt);
    return handle;
  }

  #listen(options: ListenOptions): Listener {
    const { address, port } = options;
    const place = placeText(address, port);
    const refuse = (code: string): Error => Object.assign(new Error(`${code}: ${place}`), { code });
    if (address !== anyAddress && !this.addresses.includes(address)) throw refuse("EADDRNOTAVAIL");
    if (this.listeners.has(place)) throw refuse("EADDRINUSE");
    this.listeners.set(place, options);
    const close = async (): Promise<void> => {
      if (this.listeners.get(place) === options) this.listeners.delete(place);
    };
    return { address, port, close };
  }
}

type Piece = Buffer | "end" | "reset";

export class SimSocket implements Socket {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly node: SimNode;
  other!: SimSocket;
  handler: SocketHandler | null = null;
  /** False once this end has closed: it hears nothing more. */
  isOpen = true;
  readonly #network: SimNetwork;
  /** What this end has sent and the other has not received, oldest first. */
  #inFlight: Piece[] = [];
  #inFlightBytes = 0;
  #isPumping = false;
  #isPaused = false;
  #hasEnded = false;
  #isDrainOwed = false;
  /** Arrived before anybody listened, or while reading was paused. */
  #unread: Piece[] = [];

  constructor(network: SimNetwork, node: SimNode, remote: { address: string; port: number }) {
    this.#network = network;
    this.node = node;
    this.remoteAddress = remote.address;
    this.remotePort = remote.port;
  }

  get bufferedBytes(): number {
    return Math.max(0, this.#inFlightBytes - this.#network.options.windowBytes) * this.#network.options.bytesWeight;
  }

  write(bytes: Uint8Array): boolean {
    this.node.beforeSend();
    if (!this.isOpen || this.#hasEnded) return true;
    const { dice, options } = this.#network;
    const cut = dice.oneIn(options.splitOneIn) ? dice.below(bytes.length + 1) : bytes.length;
    this.#send(Buffer.from(bytes.subarray(0, cut)));
    this.#send(Buffer.from(bytes.subarray(cut)));
    if (this.bufferedBytes === 0) return true;
    this.#isDrainOwed = true;
    return false;
  }

  end(): void {
    if (!this.isOpen || this.#hasEnded) return;
    this.#hasEnded = true;
    this.#send("end");
  }

  destroy(): void {
    this.#leave("end");
  }

  reset(): void {
    this.#inFlight = [];
    this.#inFlightBytes = 0;
    this.#leave("reset");
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.wake();
  }

  /** The process that held it is gone. */
  vanish(isSilent: boolean): void {
    this.isOpen = false;
    this.handler = null;
    if (isSilent) {
      this.#inFlight = [];
      this.#inFlightBytes = 0;
    } else {
      this.#send("reset");
    }
  }

  /** Hands over what waits, in an event of its own. */
  wake(): void {
    if (this.#unread.length === 0 || this.handler === null) return;
    this.node.later(this.#network.schedule, 0, () => this.#read());
  }

  #leave(word: "end" | "reset" | null): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#unread = [];
    if (word !== null) this.#send(word);
    this.node.sockets.delete(this);
    this.node.later(this.#network.schedule, 0, () => {
      const { handler } = this;
      this.handler = null;
      handler?.closed();
    });
  }

  #send(piece: Piece): void {
    if (piece.length === 0) return;
    this.#inFlight.push(piece);
    if (typeof piece !== "string") this.#inFlightBytes += piece.length;
    this.#pump(this.#network.delayMs());
  }

  /** Delivers the oldest piece after a delay, then the next. */
  #pump(delayMs: number): void {
    if (this.#isPumping || this.#inFlight.length === 0) return;
    this.#isPumping = true;
    this.#network.schedule.after(delayMs, () => {
      this.#isPumping = false;
      const { schedule } = this.#network;
      if (this.#network.isSevered(this) || this.other.node.isDark) {
        this.#pump(retransmitMs);
        return;
      }
      if (schedule.nowMs < this.other.node.frozenUntilMs) {
        this.#pump(this.other.node.frozenUntilMs - schedule.nowMs);
        return;
      }
      const piece = this.#inFlight[0];
      if (piece === undefined) return;
      if (!this.other.#accept(piece)) {
        this.#pump(retransmitMs / 10);
        return;
      }
      // Whoever heard it may have cut this end off meanwhile.
      if (this.#inFlight[0] === piece) this.#inFlight.shift();
      if (typeof piece !== "string") this.#inFlightBytes = Math.max(0, this.#inFlightBytes - piece.length);
      else if (piece === "end") this.#leave(null);
      this.#tellDrained();
      this.#pump(this.#network.delayMs() / 4);
    });
  }

  #tellDrained(): void {
    if (!this.#isDrainOwed || this.#inFlightBytes > 0 || !this.isOpen) return;
    this.#isDrainOwed = false;
    this.node.later(this.#network.schedule, 0, () => {
      if (this.isOpen) this.handler?.drained();
    });
  }

  /** A piece has come across. @returns false when there is no room for it yet. */
  #accept(piece: Piece): boolean {
    if (!this.isOpen) {
      // Nobody holds this end any more: whoever goes on sending is told so.
      if (piece !== "reset" && piece !== "end") this.#send("reset");
      return true;
    }
    if (this.#isPaused && this.#unread.length > 64) return false;
    this.#unread.push(piece);
    if (this.handler !== null) this.#read();
    return true;
  }

  #read(): void {
    while (this.isOpen && !this.#isPaused && this.#unread.length > 0 && this.handler !== null) {
      const piece = this.#unread.shift()!;
      if (piece === "end") this.handler.ended();
      else if (piece === "reset") this.#leave("reset");
      else this.#hear(piece);
    }
  }

  #hear(piece: Buffer): void {
    this.handler!.data(piece);
    // Borrowed until the call returns: whoever kept a part of it is found out.
    piece.fill(0xdb);
  }
}
