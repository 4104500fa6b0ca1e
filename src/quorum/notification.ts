/**
 * What servers tell each other on the election port: "I am looking and vote for 3", "I follow 3".
 *
 *    0 int  state          12 long zxid            28 long peerEpoch    40 int  length of the configuration
 *    4 long leader         20 long electionEpoch   36 int  version 2    44 text of the committed configuration
 *
 * Older servers send less: 28 bytes (the epoch is that of the zxid) or 40 (version 0, whatever stands there); a
 * configuration follows from version 2 on.
 * Source: FastLeaderElection.buildMsg, Messenger.WorkerReceiver.
 */

import { MarshallingError } from "#jute/reader.ts";
import { ServerState, type Vote } from "./vote.ts";

export interface Notification extends Vote {
  /** Text of the sender's committed configuration; null from a server that sends none. */
  readonly config: string | null;
}

/** Version of the notifications that we send. */
const notificationVersion = 2;

const shortestBytes = 28;
const withoutVersionBytes = 40;
const configLengthAt = 40;
const configAt = 44;

/** A vote as it goes to the wire, without the length before it. */
export function encodeNotification(vote: Vote, config: string): Buffer {
  const text = Buffer.from(config);
  const bytes = Buffer.alloc(configAt + text.length);
  bytes.writeInt32BE(vote.state, 0);
  bytes.writeBigInt64BE(vote.leader, 4);
  bytes.writeBigInt64BE(vote.zxid, 12);
  bytes.writeBigInt64BE(vote.electionEpoch, 20);
  bytes.writeBigInt64BE(vote.peerEpoch, 28);
  bytes.writeInt32BE(notificationVersion, 36);
  bytes.writeInt32BE(text.length, configLengthAt);
  text.copy(bytes, configAt);
  return bytes;
}

/**
 * Reads a message of the election port.
 * @throws MarshallingError when it is too short for what it says, or names a state that there is not: it is skipped.
 */
export function decodeNotification(bytes: Buffer): Notification {
  const { length } = bytes;
  if (length < shortestBytes) throw new MarshallingError(`a notification of ${length} bytes`);
  const state = bytes.readInt32BE(0);
  if (!isServerState(state)) throw new MarshallingError(`a notification of a server in state ${state}`);
  const zxid = bytes.readBigInt64BE(12);
  const common = { state, leader: bytes.readBigInt64BE(4), zxid, electionEpoch: bytes.readBigInt64BE(20) };
  if (length === shortestBytes) return { ...common, peerEpoch: zxid >> 32n, version: 0, config: null };
  if (length < withoutVersionBytes) throw new MarshallingError(`a notification of ${length} bytes`);
  const peerEpoch = bytes.readBigInt64BE(28);
  if (length === withoutVersionBytes) return { ...common, peerEpoch, version: 0, config: null };
  const version = bytes.readInt32BE(36);
  return { ...common, peerEpoch, version, config: version > 1 ? configIn(bytes) : null };
}

function configIn(bytes: Buffer): string {
  const configBytes = bytes.length < configAt ? -1 : bytes.readInt32BE(configLengthAt);
  if (configBytes < 0 || configAt + configBytes > bytes.length) {
    throw new MarshallingError(`a notification of ${bytes.length} bytes with a configuration of ${configBytes}`);
  }
  return bytes.toString("utf8", configAt, configAt + configBytes);
}

function isServerState(value: number): value is ServerState {
  return value >= ServerState.looking && value <= ServerState.observing;
}
