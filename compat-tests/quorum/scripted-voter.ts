/**
 * A voter that a test leads by the hand: it speaks to one server's election port, hears its votes and says what the test has it say.
 * Its sid is the greater one, so that it is the one who connects. Shares no code with the server.
 * Source: QuorumCnxManager (first words), FastLeaderElection (notifications).
 */

import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { frame, int, long, record, ustring } from "../wire/bytes.ts";

const protocolVersion = -65536n;
const pollMs = 20;

/** What servers do, by the numbers that notifications have for it. */
export const voterState = { looking: 0, following: 1, leading: 2 } as const;

export interface ScriptedVote {
  readonly state: number;
  readonly leader: bigint;
  readonly zxid: bigint;
  readonly round: bigint;
  readonly epoch: bigint;
}

export class ScriptedVoter {
  readonly #sid: number;
  readonly #port: number;
  readonly #heard: (vote: ScriptedVote) => void;
  #socket: Socket | null = null;
  #isClosed = false;

  /** @param heard is called with each vote of the server at that port. */
  constructor(sid: number, port: number, heard: (vote: ScriptedVote) => void) {
    this.#sid = sid;
    this.#port = port;
    this.#heard = heard;
    void this.#stayConnected();
  }

  /** Sends a vote, if the server is connected. */
  say({ state, leader, zxid, round, epoch }: ScriptedVote): void {
    this.#socket?.write(frame(record(int(state), long(leader), long(zxid), long(round), long(epoch), int(0))));
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.destroy();
  }

  async #stayConnected(): Promise<void> {
    while (!this.#isClosed) {
      const socket = connect(this.#port, "127.0.0.1");
      this.#socket = socket;
      socket.on("error", () => {});
      const ended = new Promise((resolve) => socket.once("close", resolve));
      socket.once("connect", () => {
        socket.write(record(long(protocolVersion), long(this.#sid), ustring("127.0.0.1:1")));
        this.#listen(socket);
      });
      await ended;
      await delay(pollMs);
    }
  }

  #listen(socket: Socket): void {
    let bytes = Buffer.alloc(0);
    socket.on("data", (piece: Buffer) => {
      bytes = Buffer.concat([bytes, piece]);
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        const message = bytes.subarray(4, 4 + bytes.readInt32BE(0));
        bytes = bytes.subarray(4 + message.length);
        const [leader, zxid, round, epoch] = [4, 12, 20, 28].map((at) => message.readBigInt64BE(at));
        this.#heard({ state: message.readInt32BE(0), leader: leader!, zxid: zxid!, round: round!, epoch: epoch! });
      }
    });
  }
}
