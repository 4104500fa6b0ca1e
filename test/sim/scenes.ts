/** What scenarios are made of: members that serve or do not, a client that writes through one of them, a leader that logs alone. */

import type { Request } from "../support/requests.ts";
import type { RecordingClient } from "../history/recording-client.ts";
import { type Shape, SimEnsemble } from "./sim-ensemble.ts";
import type { SimMember } from "./sim-member.ts";
import { create } from "./workload.ts";

const serveMs = 60_000;
const answerMs = 10_000;

/** Three voters, quick ones, that serve; or what is said instead. */
export async function begun(shape: Partial<Shape> = {}): Promise<SimEnsemble> {
  const usual = { seed: 1, voters: 3, observers: 0, clients: 1, networkMsMax: 2, diskMsMax: 2 };
  // ZooKeeper's 64 MB are a long way to go in memory.
  const config = { preAllocSize: 4, ...shape.config };
  const ensemble = new SimEnsemble({ ...usual, ...shape, config });
  await ensemble.setUp();
  return ensemble;
}

/** Waits until those members serve together. @throws Error when they do not. */
export async function serving(ensemble: SimEnsemble, ...members: readonly SimMember[]): Promise<void> {
  const areServing = (): boolean => members.every(({ isServing }) => isServing) && ensemble.leader !== null;
  if (await ensemble.until(areServing, serveMs)) return;
  throw new Error(`servers ${members.map(({ sid }) => sid).join(", ")} do not serve`);
}

export async function leaderOf(ensemble: SimEnsemble): Promise<SimMember> {
  await ensemble.until(() => ensemble.leader !== null, serveMs);
  if (ensemble.leader === null) throw new Error("nobody leads");
  return ensemble.leader;
}

export function othersThan(ensemble: SimEnsemble, ...members: readonly SimMember[]): SimMember[] {
  return ensemble.members.filter((member) => !members.includes(member));
}

/** The first client, attached to that member. */
export async function clientAt(ensemble: SimEnsemble, { node }: SimMember): Promise<RecordingClient> {
  const client = ensemble.clients[0]!;
  client.drop();
  client.connect(node.name);
  if (!(await ensemble.until(() => client.isAttached, answerMs))) throw new Error(`${node.name} lets nobody in`);
  return client;
}

/** The second client, attached to that member: unlike the first it does not come back by itself when it is refused. */
export async function patientClientAt(ensemble: SimEnsemble, { node }: SimMember): Promise<RecordingClient> {
  const client = ensemble.clients[1]!;
  client.connect(node.name);
  if (await ensemble.until(() => client.isAttached, answerMs)) return client;
  throw new Error(`${node.name} lets nobody in`);
}

/** The first client asks for all that through a member, and is answered. */
export async function ask(ensemble: SimEnsemble, member: SimMember, requests: readonly Request[]): Promise<void> {
  const client = await clientAt(ensemble, member);
  for (const request of requests) client.ask(request);
  if (await ensemble.until(() => client.waitingCount === 0, answerMs)) return;
  throw new Error(`${member.node.name} answers nothing`);
}

/** So many sequential znodes. */
export function some(count: number): Request[] {
  return Array.from({ length: count }, () => create("/q-", 2));
}

/** Nothing goes between that member and the others. */
export function cutOff(ensemble: SimEnsemble, { node }: SimMember): void {
  for (const other of ensemble.members) {
    ensemble.network.cut(node.name, other.node.name);
    ensemble.network.cut(other.node.name, node.name);
  }
}

/**
 * A leader logs what nobody else hears of, and its machine goes; the disk keeps everything, and the others are not told yet that
 * it is gone.
 */
export async function logAlone(ensemble: SimEnsemble, leader: SimMember, requests: readonly Request[]): Promise<void> {
  const client = await clientAt(ensemble, leader);
  cutOff(ensemble, leader);
  for (const request of requests) client.ask(request);
  await ensemble.pass(100);
  client.drop();
  leader.end(() => true, true);
  ensemble.network.heal();
}

/** They die, and start again from what their disks have. */
export async function restarted(ensemble: SimEnsemble, ...members: readonly SimMember[]): Promise<void> {
  for (const member of members) member.crash(false);
  for (const member of members) member.start();
  await serving(ensemble, ...members);
}

/** Everything is mended, and all come to have the same; everybody starts once more from what the disk has, and all is judged. */
export async function judged(ensemble: SimEnsemble): Promise<void> {
  const { members } = ensemble;
  ensemble.network.heal();
  for (const member of members) if (!member.isUp) member.start();
  await serving(ensemble, ...members);
  if (!(await ensemble.until(() => ensemble.haveTheSame(), answerMs))) throw new Error("the members differ");
  await restarted(ensemble, ...ensemble.members);
  await ensemble.heal();
  ensemble.judge();
}
