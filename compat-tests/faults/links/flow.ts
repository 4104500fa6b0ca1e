/**
 * One direction of a connection, under the rule of its link: bytes, their end and their being cut off arrive in their order,
 * when the rule lets them. What waits is limited; then the sender has to, as behind a full window of TCP.
 */

import type { Socket } from "node:net";
import type { LinkRule } from "./rules.ts";

const waitingBytesMax = 256 * 1024;

type Item =
  | { readonly kind: "bytes"; readonly bytes: Buffer; readonly dueMs: number }
  | { readonly kind: "end"; readonly dueMs: number }
  | { readonly kind: "cut"; readonly dueMs: number };

export class Flow {
  readonly #from: Socket;
  readonly #open: () => Socket;
  readonly #rule: () => LinkRule;
  readonly #waiting: Item[] = [];
  #to: Socket | null = null;
  #waitingBytes = 0;
  #freeMs = 0;
  #isTimerSet = false;
  #isBlocked = false;

  /** @param to the other end, or what opens it when the first bytes may pass: until then nobody there hears of the connection. */
  constructor(from: Socket, to: Socket | (() => Socket), rule: () => LinkRule) {
    this.#from = from;
    this.#rule = rule;
    this.#open = typeof to === "function" ? to : () => to;
    if (typeof to !== "function") this.#to = this.#openOther();
    from.on("data", (bytes: Buffer) => this.send(bytes));
    from.on("end", () => this.#add({ kind: "end", dueMs: this.#dueMs(0) }));
    from.on("close", () => this.#cut());
  }

  send(bytes: Buffer): void {
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > waitingBytesMax) this.#from.pause();
    this.#add({ kind: "bytes", bytes, dueMs: this.#dueMs(bytes.length) });
  }

  /** Lets pass what may pass now; called again whenever that may have changed. */
  pump(): void {
    const rule = this.#rule();
    while (!this.#isBlocked && rule.kind !== "silent") {
      const [item] = this.#waiting;
      if (item === undefined) return;
      const leftMs = item.dueMs - performance.now();
      if (rule.kind === "slow" && leftMs > 0) {
        this.#wake(leftMs);
        return;
      }
      this.#waiting.shift();
      this.#pass(item);
    }
  }

  #cut(): void {
    // Of a connection that never came about nobody hears afterwards.
    if (this.#to === null) this.#waiting.length = 0;
    else this.#add({ kind: "cut", dueMs: this.#dueMs(0) });
  }

  #wake(inMs: number): void {
    if (this.#isTimerSet) return;
    this.#isTimerSet = true;
    setTimeout(() => {
      this.#isTimerSet = false;
      this.pump();
    }, Math.ceil(inMs));
  }

  #add(item: Item): void {
    this.#waiting.push(item);
    this.pump();
  }

  #pass(item: Item): void {
    const to = (this.#to ??= this.#openOther());
    if (item.kind === "cut") {
      to.destroySoon();
      return;
    }
    if (item.kind === "end") {
      to.end();
      return;
    }
    this.#waitingBytes -= item.bytes.length;
    if (this.#waitingBytes <= waitingBytesMax / 2) this.#from.resume();
    if (to.writable) this.#isBlocked = !to.write(item.bytes);
  }

  #openOther(): Socket {
    const to = this.#open();
    to.on("drain", () => {
      this.#isBlocked = false;
      this.pump();
    });
    return to;
  }

  /** When bytes that are sent now arrive; never before those that were sent before. */
  #dueMs(count: number): number {
    const rule = this.#rule();
    const nowMs = performance.now();
    if (rule.kind !== "slow") return nowMs;
    const sentMs = Math.max(nowMs, this.#freeMs) + (count * 1000) / rule.bytesPerSecond;
    this.#freeMs = sentMs;
    const last = this.#waiting.at(-1)?.dueMs ?? 0;
    return Math.max(last, sentMs + rule.delayMs + Math.random() * rule.jitterMs);
  }
}
