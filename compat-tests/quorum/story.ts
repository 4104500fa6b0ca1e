/** Connections to the members of one ensemble, and what was said over them: the same text wherever the same was told. */

import type { ConnectOptions } from "../wire/connection.ts";
import { closeSession, ping } from "../wire/requests.ts";
import type { Actor } from "../wire/scene.ts";
import { Names } from "../wire/transcript.ts";
import type { TestEnsemble } from "./ensemble.ts";

export class Story {
  readonly lines: string[] = [];
  protected readonly ensemble: TestEnsemble;
  readonly #leader: number;
  readonly #actors: Actor[] = [];
  #names = new Names(0n);

  constructor(ensemble: TestEnsemble, leader: number) {
    this.ensemble = ensemble;
    this.#leader = leader;
  }

  /** Zxids count from now. */
  async begin(): Promise<void> {
    const actor = await this.ensemble.visit(this.#leader);
    this.#names = new Names((await actor.ask(ping))!.zxid);
    await actor.ask(closeSession);
  }

  async enter(sid: number, options: ConnectOptions = {}): Promise<Actor> {
    const actor = await this.ensemble.stranger(sid, this.#names);
    this.#actors.push(actor);
    await actor.connect(options);
    return actor;
  }

  /** The session goes on at that member. */
  async move({ session }: Actor, sid: number): Promise<Actor> {
    return this.enter(sid, { sessionId: session.id, password: session.password, timeoutMs: session.timeoutMs });
  }

  end(): string {
    for (const actor of this.#actors) {
      this.lines.push("--", ...actor.lines);
      actor.connection.cut();
    }
    return this.lines.join("\n");
  }
}
