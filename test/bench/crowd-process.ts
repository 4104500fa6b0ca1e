/** A crowd of clients (crowd.ts) in a process of its own. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Values } from "./bench.ts";
import type { CrowdPlan } from "./crowd.ts";

export interface CrowdProcess {
  readonly result: Values;
  /** Lets the clients go. */
  readonly end: () => Promise<void>;
}

/** Resolves when the crowd is in place, or has measured. @throws what it says when it cannot. */
export async function startCrowd(plan: CrowdPlan): Promise<CrowdProcess> {
  const script = fileURLToPath(new URL("crowd.ts", import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(plan)], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, "line"), exited.then(() => null)]);
  if (first === null) throw new Error(`the crowd of ${plan.clients} ended without a result`);
  return {
    result: JSON.parse(String(first[0])) as Values,
    end: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
