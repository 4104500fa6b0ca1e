/** The benchmark's own instruments: a wrong ruler measures nothing. */

import { describe, expect, test } from "vitest";
import { body, op, requestFrame } from "../support/wire-frames.ts";
import { Bench, type BenchOptions } from "./bench.ts";
import { floors } from "./floors.ts";
import { LatencyHistogram } from "./histogram.ts";
import { crowdShapes } from "./measure-crowds.ts";
import { ensembleNames } from "./measure-ensembles.ts";
import { startShapes } from "./measure-starts.ts";
import { znodeShapes } from "./measure-znodes.ts";
import { renderReadme } from "./readme-table.ts";
import { renderTable, summarize } from "./report.ts";
import { RequestTemplate, znodePath } from "./request-template.ts";
import { loadShapes } from "./shapes.ts";

describe("a request template", () => {
  const operations = ["getData", "exists", "setData", "create", "delete", "multi"] as const;

  test.each([0, 7, 989, 1000, 99_990, 12_345_678])("writes the request for znode %i as a client would", (index) => {
    const path = znodePath("/bench", index);
    const data = Buffer.alloc(100, "x");
    const expected = {
      getData: requestFrame(77, op.getData, body.watched(path)),
      exists: requestFrame(77, op.exists, body.watched(path)),
      setData: requestFrame(77, op.setData, body.setData(path, data)),
      create: requestFrame(77, op.create, body.create(path, data)),
      delete: requestFrame(77, op.delete, body.versioned(path)),
      multi: requestFrame(
        77,
        op.multi,
        body.multi(
          Array.from({ length: 10 }, (_, part) => {
            return { type: op.setData, body: body.setData(znodePath("/bench", index + part), data) };
          }),
        ),
      ),
    };
    for (const operation of operations) {
      const template = new RequestTemplate({ operation, root: "/bench", dataBytes: 100 });
      const target = Buffer.alloc(template.frame.length + 3);
      template.frame.copy(target, 3);
      template.address(target, 3, 77, index);
      expect(target.subarray(3)).toEqual(expected[operation]);
    }
  });

  test("addresses each znode once by its own path", () => {
    const paths = new Set(Array.from({ length: 5000 }, (_, index) => znodePath("/r", index)));
    expect(paths.size).toBe(5000);
  });
});

describe("a latency histogram", () => {
  test("gives quantiles within two per cent", () => {
    const histogram = new LatencyHistogram();
    for (let i = 1; i <= 10_000; i++) histogram.record(i / 100);
    const { p50Ms, p99Ms, p999Ms, maxMs } = histogram.summary();
    expect(Math.abs(p50Ms / 50 - 1)).toBeLessThan(0.02);
    expect(Math.abs(p99Ms / 99 - 1)).toBeLessThan(0.02);
    expect(Math.abs(p999Ms / 99.9 - 1)).toBeLessThan(0.02);
    expect(maxMs).toBe(100);
  });

  test("takes what is shorter than a microsecond and longer than a minute", () => {
    const histogram = new LatencyHistogram();
    histogram.record(0);
    histogram.record(1e9);
    expect(histogram.summary().maxMs).toBe(1e9);
    expect(histogram.summary().p50Ms).toBeLessThan(0.002);
  });
});

describe("the report", () => {
  const rounds = [
    { ours: 300, reference: 100 },
    { ours: 500, reference: 120 },
    { ours: 400, reference: 80 },
  ];
  const measurements = rounds.flatMap(({ ours, reference }, index) => [
    { shape: "getData 1x1", server: "ours" as const, round: index, values: { opsPerSecond: ours, p50Ms: 100 / ours } },
    {
      shape: "getData 1x1",
      server: "reference" as const,
      round: index,
      values: { opsPerSecond: reference, p50Ms: 100 / reference },
    },
  ]);

  test("gives medians, extremes and ratios, and says whether a floor is reached", () => {
    expect(summarize(measurements)).toEqual([
      {
        shape: "getData 1x1",
        metric: "opsPerSecond",
        ours: { median: 400, min: 300, max: 500 },
        reference: { median: 100, min: 80, max: 120 },
        etcd: null,
        ratio: 4,
        floor: "at least 2.5 x",
        isReached: true,
      },
      {
        shape: "getData 1x1",
        metric: "p50Ms",
        ours: { median: 0.25, min: 0.2, max: 1 / 3 },
        reference: { median: 1, min: 100 / 120, max: 1.25 },
        etcd: null,
        ratio: 0.25,
        floor: "",
        isReached: true,
      },
    ]);
    const slower = measurements.map((one) => (one.server === "ours" ? { ...one, values: { opsPerSecond: 90 } } : one));
    expect(summarize(slower)[0]).toMatchObject({ ratio: 0.9, isReached: false });
  });

  test("of one server alone has no ratio", () => {
    const alone = summarize(measurements.filter(({ server }) => server === "ours"));
    expect(alone.map(({ reference, ratio }) => [reference, ratio])).toEqual([
      [null, null],
      [null, null],
    ]);
    expect(renderTable({ cpu: "one" }, alone)).toContain("400 (300 to 500)");
  });

  test("has a column for etcd where it was measured", () => {
    const etcd = { shape: "getData 1x1", server: "etcd" as const, round: 0, values: { opsPerSecond: 70 } };
    const all = summarize([...measurements, etcd]);
    expect(all.map((one) => one.etcd)).toEqual([{ median: 70, min: 70, max: 70 }, null]);
    expect(renderTable({}, all)).toMatch(/4\.00 +70 +at least 2\.5 x: reached/);
    expect(renderReadme({ etcd: "etcd 3" }, all, "today")).toContain("| getData 1x1 | a second | 400 | 70 | 5.71 |");
    expect(renderReadme({ etcd: "etcd 3" }, summarize(measurements), "today")).not.toContain("etcd 3");
  });

  test("has a shape for every floor", () => {
    const options = { sizes: [1_000_000], crowds: [1000], idleSessions: 10_000 } as unknown as BenchOptions;
    const bench = new Bench(options);
    const names = [...startShapes, ...loadShapes.map(({ name }) => name), ...crowdShapes(bench), ...znodeShapes(bench)];
    names.push(...ensembleNames(bench));
    for (const { shape } of floors) expect(names).toContain(shape);
  });
});
