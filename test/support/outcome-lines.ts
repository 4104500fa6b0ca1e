/** What a write came to, as the line that a client would be told (requests.ts). */

import { line, type WriteRequest } from "./requests.ts";
import type { Outcome } from "./tree-model.ts";

export function outcomeLine(request: WriteRequest, { path, stat }: Outcome): string {
  if (request.op === "create") return request.type === 1 ? path! : `${path} ${line.stat(stat!)}`;
  return stat === null ? "" : line.stat(stat);
}

export function multiLine(
  parts: readonly WriteRequest[],
  outcomes: Outcome[] | { failedAt: number; code: number },
): string {
  const end = "(-1 -1)";
  if (Array.isArray(outcomes)) {
    const bodies = outcomes.map(({ type, path, stat }) => {
      const body = [path ?? "", stat === null ? "" : line.stat(stat)].join(" ").trim();
      return line.part(type, 0, body);
    });
    return bodies.join("") + end;
  }
  const { failedAt, code } = outcomes;
  const codes = parts.map((_, i) => (i < failedAt ? 0 : i === failedAt ? code : -2));
  return codes.map((each) => line.part(-1, each, String(each))).join("") + end;
}
