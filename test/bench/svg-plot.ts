/**
 * Line plots as SVG text: no script, so that a page of them can be mailed, printed and looked at anywhere. Axes are logarithmic or
 * linear; an axis of categories has one place for each word. Whoever hovers over a point reads its figures.
 */

import { digits } from "./report.ts";

export interface Series {
  readonly name: keyof typeof seriesTitles;
  /** Missing values leave a gap. */
  readonly values: readonly (number | null)[];
  /** Extremes of each value, drawn as whiskers. */
  readonly extremes?: readonly (readonly [min: number, max: number] | null)[];
}

export interface Plot {
  readonly title: string;
  readonly yLabel: string;
  /** Where the values stand: words, or the numbers that these words are. */
  readonly x: readonly string[];
  readonly yScale: "log" | "linear";
  readonly series: readonly Series[];
}

const width = 420;
const height = 260;
const margin = { top: 14, right: 16, bottom: 34, left: 58 } as const;
const right = width - margin.right;
const bottom = height - margin.bottom;

/** The names under which a legend, and a hovering reader, finds them. */
export const seriesTitles = { ours: "Nodekeeper", reference: "ZooKeeper 3.9.5", etcd: "etcd" } as const;

export function renderPlot({ title, yLabel, x, yScale, series }: Plot): string {
  const values = series.flatMap((one) => [...one.values, ...(one.extremes ?? []).flatMap((pair) => pair ?? [])]);
  const scale = yScale === "log" ? logScale(numbersOf(values)) : linearScale(numbersOf(values));
  const place = (index: number): number => {
    return x.length === 1
      ? (margin.left + right) / 2
      : margin.left + 24 + (index * (right - margin.left - 48)) / (x.length - 1);
  };
  const grid = scale.ticks.map((tick) => {
    const y = scale.place(tick).toFixed(1);
    return (
      `<line class="grid" x1="${margin.left}" x2="${right}" y1="${y}" y2="${y}"/>` +
      `<text class="tick" x="${margin.left - 6}" y="${y}" dy="0.32em" text-anchor="end">${short(tick)}</text>`
    );
  });
  const words = x.map((word, index) => {
    return `<text class="tick" x="${place(index).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${escape(word)}</text>`;
  });
  const lines = series.map((one) => renderSeries(one, x, place, scale.place));
  return (
    `<figure><figcaption>${escape(title)} <small>${escape(yLabel)}</small></figcaption>` +
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}">` +
    `${grid.join("")}${words.join("")}${lines.join("")}</svg></figure>`
  );
}

export function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function renderSeries(
  { name, values, extremes = [] }: Series,
  x: readonly string[],
  placeX: (index: number) => number,
  placeY: (value: number) => number,
): string {
  let path = "";
  let marks = "";
  let isGap = true;
  for (const [index, value] of values.entries()) {
    if (value === null) {
      isGap = true;
      continue;
    }
    const [atX, atY] = [placeX(index).toFixed(1), placeY(value).toFixed(1)];
    path += `${isGap ? "M" : "L"}${atX} ${atY}`;
    isGap = false;
    const pair = extremes[index];
    if (pair !== undefined && pair !== null) {
      const [low, high] = pair.map((extreme) => placeY(extreme).toFixed(1));
      marks += `<line class="whisker ${name}" x1="${atX}" x2="${atX}" y1="${low}" y2="${high}"/>`;
    }
    const words = `${seriesTitles[name]}, ${x[index]}: ${digits(value)}`;
    marks += `<circle class="${name}" cx="${atX}" cy="${atY}" r="4"><title>${escape(words)}</title></circle>`;
  }
  return `<path class="${name}" d="${path}"/>${marks}`;
}

interface Scale {
  readonly ticks: readonly number[];
  readonly place: (value: number) => number;
}

/** Powers of ten from below the least to above the greatest. */
function logScale(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0);
  const from = Math.floor(Math.log10(Math.min(...positive, 1e9)));
  const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...positive, 1e-9))));
  const ticks = Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index));
  return { ticks, place: (value) => along((Math.log10(Math.max(value, 10 ** from)) - from) / (to - from)) };
}

/** From zero, in steps of 1, 2 or 5 times a power of ten. */
function linearScale(values: readonly number[]): Scale {
  const most = Math.max(...values, 1e-9);
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [0.2, 0.5, 1, 2].map((part) => part * power).find((one) => most / one <= 6) ?? 2 * power;
  const count = Math.ceil(most / step);
  const ticks = Array.from({ length: count + 1 }, (_, index) => index * step);
  return { ticks, place: (value) => along(value / (count * step)) };
}

/** From the bottom of the plot (0) to its top (1). */
function along(part: number): number {
  return bottom - part * (bottom - margin.top);
}

function numbersOf(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function short(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))} k`;
  return String(Number(value.toPrecision(3)));
}
