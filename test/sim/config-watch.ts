/**
 * What befalls the members' configurations while a run goes on, so that no more is held against them in the end than what they could do
 * (config-check.ts): a file that cannot be written costs a member no more than that, as with ZooKeeper.
 *
 *   unwritten   its disk would not take the configuration that was committed last: its files are not looked at. Where that was the
 *               first one, zoo.cfg names no other file, and the next start looks for no change that was seen, as ZooKeeper's
 *   unnoted     it would not take a change that was seen
 *   unaware     so after a restart the member may not know of a change, and have it in its log
 *   forgotten   such a one has led: nobody carries out what the log has, and what members go by is not looked at any more
 */

import type { CommittedTxn } from "../history/committed-txn.ts";
import type { Call } from "../history/conversation.ts";
import { checkChanges, type Completed, configProblem, type ConfigRules, unseenChange } from "./config-check.ts";
import type { SimMember } from "./sim-member.ts";

const noteFailed = "Error writing next dynamic config file";
const writeFailed = "Error writing the dynamic config file";

export class ConfigWatch {
  readonly #membersText: string;
  readonly #isReconfigEnabled: boolean;
  readonly #unwritten = new Set<number>();
  readonly #unnoted = new Set<number>();
  /** Those who do not know of a change any more, and may be elected for it. */
  readonly #unaware = new Set<number>();
  /** What members went by, by its version. */
  readonly #inForce = new Map<bigint, string>();
  #isChangeForgotten = false;

  /** @param membersText lines of the first configuration. */
  constructor(membersText: string, isReconfigEnabled: boolean) {
    this.#membersText = membersText;
    this.#isReconfigEnabled = isReconfigEnabled;
  }

  /** A member has logged that. */
  heard(sid: number, message: string, facts: { readonly config?: string }): void {
    if (message === "A configuration is committed") {
      this.#unwritten.delete(sid);
      const text = facts.config!;
      this.#inForce.set(BigInt(`0x${text.slice(text.lastIndexOf("=") + 1)}`), text);
    }
    if (message === noteFailed) this.#unnoted.add(sid);
    if (message === writeFailed || message === noteFailed) this.#unwritten.add(sid);
  }

  /** @throws Error when a voter that looks for a leader has a change in its tree, and has not seen it. */
  look(member: SimMember): void {
    const { sid, server } = member;
    if (server?.peer?.state !== "Looking") return;
    const unseen = unseenChange(member);
    if (unseen === null) this.#unaware.delete(sid);
    else if (this.#unnoted.has(sid) || this.#unwritten.has(sid)) this.#unaware.add(sid);
    else throw new Error(unseen);
  }

  leaderBegins(sid: number): void {
    if (this.#unaware.has(sid)) this.#isChangeForgotten = true;
  }

  /** @returns which member has another configuration than it should; null when none has. */
  problem(log: readonly CommittedTxn[], members: readonly SimMember[]): string | null {
    if (this.#isChangeForgotten) return null;
    return configProblem(log, members, this.#rules(log));
  }

  #rules(log: readonly CommittedTxn[]): ConfigRules {
    const logged = new Set(log.map(({ zxid }) => zxid));
    const completed: Completed[] = Array.from(this.#inForce, ([version, text]) => ({ version, text }))
      .filter(({ version }) => (version & 0xffffffffn) !== 0n && !logged.has(version))
      .sort((a, b) => Number(a.version - b.version));
    return {
      membersText: this.#membersText,
      isReconfigEnabled: this.#isReconfigEnabled,
      completed,
      unwritten: this.#unwritten,
    };
  }

  /** @throws Error for what should not have been. */
  judge(log: readonly CommittedTxn[], members: readonly SimMember[], calls: readonly Call[]): void {
    const problem = this.problem(log, members);
    if (problem !== null) throw new Error(problem);
    if (!this.#isChangeForgotten) checkChanges(log, calls, this.#rules(log));
  }
}
