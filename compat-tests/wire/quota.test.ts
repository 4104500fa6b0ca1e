/** Quotas: statistics that change silently, limits that are enforced only when asked, and the text they are kept in. */

import { test } from "vitest";
import { pairOfServers, type Pair } from "./pair.ts";
import {
  addWatch,
  create,
  createContainer,
  exists,
  getChildren2,
  getData,
  multi,
  remove,
  setData,
  type Request,
} from "./requests.ts";

const lenient = pairOfServers();
const strict = pairOfServers({ config: { enforceQuota: "true" } });

const stats = "/zookeeper/quota/q/zookeeper_stats";
const limits = "/zookeeper/quota/q/zookeeper_limits";

function quota(text: string): Request[] {
  return [
    create("/q", { data: "12345" }),
    create("/q/a", { data: "678" }),
    create("/zookeeper/quota/q", { data: null }),
    create(limits, { data: text }),
    create(stats, { data: "whatever" }),
  ];
}

const usage: readonly Request[] = [
  create("/q/b", { data: "90" }),
  setData("/q/b", "longer than before"),
  setData("/q/b", null),
  create("/q/b/deep", { data: "x" }),
  remove("/q/b/deep"),
  create("/q/c", { data: "x".repeat(50) }),
  create("/q/d", { data: null }),
  createContainer("/q/box"),
  setData("/q", "y".repeat(60)),
  setData("/q", "", 99),
  multi(create("/q/m1"), create("/q/m2", { data: "zz" }), setData("/q/a", "")),
  create("/qq", { data: "a neighbour with the same beginning" }),
  remove("/q/a"),
];

const texts = [
  "count=3,bytes=20",
  "count=-1,bytes=20=;byteHardLimit=30;countHardLimit=-1",
  "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=4",
  "count=4,bytes=-1=;countHardLimit=6",
  "",
];

async function useQuota(pair: Pair, text: string): Promise<void> {
  await pair.check(async (scene) => {
    const a = await scene.actor("a");
    await a.pipeline(quota(text));
    await a.ask(getData(stats));
    for (const request of usage) {
      await a.ask(request);
      await a.ask(getData(stats));
    }
    await a.ask(remove(limits));
    await a.ask(create("/q/after", { data: "1" }));
    await a.ask(getData(stats));
    await a.ask(getChildren2("/q"));
  });
}

test.each(texts)("statistics follow every change silently under limits %j", async (text) => {
  await useQuota(lenient, text);
});

test.each(texts)("hard limits are enforced under limits %j", async (text) => {
  await useQuota(strict, text);
});

test("statistics change without version or watch", async () => {
  await lenient.check(async (scene) => {
    const a = await scene.actor("a");
    await a.pipeline(quota("count=10,bytes=100"));
    await a.ask(addWatch("/zookeeper", 1));
    await a.ask(addWatch(stats, 0));
    await a.ask(create("/q/new", { data: "1" }));
    await a.ask(getData(stats));
    await a.ask(exists(stats));
  });
});

test("the deepest quota counts", async () => {
  await lenient.check(async (scene) => {
    const a = await scene.actor("a");
    await a.pipeline(quota("count=10,bytes=100"));
    await a.pipeline([
      create("/zookeeper/quota/q/a"),
      create("/zookeeper/quota/q/a/zookeeper_limits", { data: "count=1,bytes=1" }),
      create("/zookeeper/quota/q/a/zookeeper_stats"),
      create("/q/a/x", { data: "deep" }),
      create("/q/y", { data: "shallow" }),
    ]);
    await a.ask(getData(stats));
    await a.ask(getData("/zookeeper/quota/q/a/zookeeper_stats"));
  });
});

test("a quota that is exceeded refuses before the version is looked at", async () => {
  await strict.check(async (scene) => {
    const a = await scene.actor("a");
    await a.pipeline(quota("count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=2"));
    await a.ask(setData("/q", "far too long for ten bytes", 77));
    await a.ask(create("/q/x", { data: "far too long for ten bytes" }));
    await a.ask(create("/q/a", { data: "exists" }));
    await a.ask(multi(setData("/q/a", "far too long for ten bytes"), create("/elsewhere")));
    await a.ask(setData("/q/a", ""));
  });
});
