/** In which order a server notes configurations, and goes by them. */

import { describe, expect, it } from "vitest";
import { configsOf, memberLines, verifierOf, viewsOf } from "./support.ts";

function begun(): { said: string[]; configs: ReturnType<typeof configsOf> } {
  const said: string[] = [];
  const configs = configsOf(viewsOf(memberLines(3)), {
    storeSeen: ({ version }) => void said.push(`note ${version}`),
    activated: ({ version }) => void said.push(`go by ${version}`),
  });
  return { said, configs };
}

describe("a configuration that is committed", () => {
  it("was noted when it was seen", () => {
    const { said, configs } = begun();
    configs.see(verifierOf(memberLines(4), 7n), () => {});
    expect(configs.views.isChanging).toBe(true);
    configs.activate(verifierOf(memberLines(4), 7n));
    expect(said).toEqual(["note 7", "go by 7"]);
    expect(configs.views.isChanging).toBe(false);
  });

  it("is noted first where another server has told of it: its transaction may be about to come", () => {
    const { said, configs } = begun();
    configs.activate(verifierOf(memberLines(4), 7n));
    expect(said).toEqual(["note 7", "go by 7"]);
    configs.activate(verifierOf(memberLines(4), 7n));
    configs.activate(verifierOf(memberLines(2), 6n));
    expect(said).toHaveLength(2);
    expect([configs.views.committed.version, configs.views.lastSeen.version]).toEqual([7n, 7n]);
  });
});
