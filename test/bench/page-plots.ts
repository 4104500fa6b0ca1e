/** Which plots a page has, of what a run has measured: what was not leaves no plot. */

import type { Summary } from "./report.ts";
import { loadShapes } from "./shapes.ts";
import { type Plot, type Series, seriesTitles } from "./svg-plot.ts";

/** A figure: of which shape, and which of its metrics. */
type Cell = readonly [shape: string, metric: string];

interface Section {
  readonly title: string;
  readonly plots: readonly Plot[];
}

const seriesNames = Object.keys(seriesTitles) as Series["name"][];
/** What loads do, without connections and depth. */
const mixes = [...new Set(loadShapes.map(({ name }) => name.replace(/ \d+x\d+$/, "")))];
const connections = ["1", "50", "1000"];

export function sectionsOf(summaries: readonly Summary[]): Section[] {
  const drawn = new Plotter(summaries);
  const sections: Section[] = [
    { title: "Throughput", plots: throughput(drawn) },
    { title: "Latency", plots: latency(drawn) },
    { title: "CPU and memory", plots: cpuAndMemory(drawn) },
    { title: "Three servers", plots: losses(drawn) },
  ];
  return sections.filter(({ plots }) => plots.length > 0);
}

function throughput(drawn: Plotter): Plot[] {
  const yLabel = "operations per second by connections";
  return [16, 1].flatMap((depth) =>
    mixes.flatMap((mix) =>
      drawn.plot(
        { title: `${mix}, ${depth} in flight`, yLabel, x: connections, yScale: "log" },
        connections.map((count) => [`${mix} ${count}x${depth}`, "opsPerSecond"]),
      ),
    ),
  );
}

function latency(drawn: Plotter): Plot[] {
  const shapes = ["getData 50x1", "setData 50x1", "getData 50x16", "setData 50x16", "80/20 mix 1000x1"];
  return shapes.flatMap((shape) => drawn.latencies(shape, shape, ["p50", "p90", "p99", "p99.9", "max"]));
}

function cpuAndMemory(drawn: Plotter): Plot[] {
  const small = mixes.filter((mix) => !mix.includes("KB") && !mix.includes("Children"));
  const sizes = drawn.namesIn(/^fill, (.*) znodes$/);
  const x = ["none", ...sizes];
  return [
    ...drawn.plot(
      { title: "CPU", yLabel: "microseconds per operation, 50 x 16", x: small, yScale: "log" },
      small.map((mix) => [`${mix} 50x16`, "cpuMicrosPerOp"]),
    ),
    ...drawn.plot({ title: "Resident memory", yLabel: "MB by znodes, after they were created", x, yScale: "linear" }, [
      ["start", "residentMb"],
      ...sizes.map((size): Cell => [`fill, ${size} znodes`, "residentMb"]),
    ]),
    ...drawn.plot({ title: "Restart", yLabel: "seconds to the first read, by znodes", x, yScale: "linear" }, [
      ["start", "seconds"],
      ...sizes.map((size): Cell => [`restart, ${size} znodes`, "seconds"]),
    ]),
    ...sizes.flatMap((size) => {
      const title = `Reads under snapshots, ${size} znodes`;
      return drawn.latencies(`under snapshots, ${size} znodes`, title, ["p50", "p99", "p99.9", "max"]);
    }),
  ];
}

function losses(drawn: Plotter): Plot[] {
  const shapes = ["failover", "return by SNAP"].map((what) => ({
    what,
    sizes: drawn.namesIn(new RegExp(`^${what} at (.*) znodes$`)),
  }));
  return shapes.flatMap(({ what, sizes }) =>
    drawn.plot(
      {
        title: what === "failover" ? "Failover" : "Return by SNAP",
        yLabel: "seconds, by znodes",
        x: sizes,
        yScale: "linear",
      },
      sizes.map((size) => [`${what} at ${size} znodes`, "seconds"]),
    ),
  );
}

class Plotter {
  readonly #summaries: readonly Summary[];

  constructor(summaries: readonly Summary[]) {
    this.#summaries = summaries;
  }

  /** What the first group of the pattern matches in the names of shapes. */
  namesIn(pattern: RegExp): string[] {
    return [...new Set(this.#summaries.flatMap(({ shape }) => pattern.exec(shape)?.[1] ?? []))];
  }

  /** A plot of those figures, or none when there are none. */
  plot(about: Omit<Plot, "series">, cells: readonly Cell[]): Plot[] {
    const own = cells.map(([shape, metric]) => this.#find(shape, metric));
    if (own.every((cell) => cell === undefined)) return [];
    return [{ ...about, series: seriesNames.map((name) => seriesOf(name, own)) }];
  }

  latencies(shape: string, title: string, x: readonly string[]): Plot[] {
    return this.plot(
      { title, yLabel: "milliseconds", x, yScale: "log" },
      x.map((word) => [shape, `${word.replace(".", "")}Ms`]),
    );
  }

  #find(shape: string, metric: string): Summary | undefined {
    return this.#summaries.find((one) => one.shape === shape && one.metric === metric);
  }
}

function seriesOf(name: Series["name"], cells: readonly (Summary | undefined)[]): Series {
  const spreads = cells.map((cell) => cell?.[name] ?? null);
  return {
    name,
    values: spreads.map((spread) => spread?.median ?? null),
    extremes: spreads.map((spread) => {
      return spread === null || spread.min === spread.max ? null : [spread.min, spread.max];
    }),
  };
}
