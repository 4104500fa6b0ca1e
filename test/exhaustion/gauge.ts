/** A number that the server says of itself, by its name in `mntr`; -1 when it does not say it. */

import { fourLetterWord } from "../support/wire-client.ts";

export async function gauge(port: number, name: string): Promise<number> {
  return Number(new RegExp(`^zk_${name}\\t(\\d+)`, "m").exec(await fourLetterWord(port, "mntr"))?.[1] ?? -1);
}
