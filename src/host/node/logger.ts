/**
 * The log: pino. JSON where nobody reads along, ZooKeeper's own layout on a terminal, so that recipes of log shippers
 * and the eyes of operators find what they look for:
 *
 *   2025-11-23 11:00:00,123 [myid:] - INFO  [main:Nodekeeper@1] - binding to port /0.0.0.0:2181
 *
 * The layout is made in this process: pino's transports are worker threads loaded from a path, which a bundled
 * executable does not have. Lines are written at once: whatever ends the process, the last of them are there, in order.
 */

import { pino } from "pino";
import type { Logger } from "../logger.ts";

export interface LoggerOptions {
  readonly format: "auto" | "json" | "text";
  readonly level: "debug" | "info" | "warn" | "error";
  /** What `[myid:]` shows; empty when standalone. */
  readonly myid: string;
}

export function nodeLogger(options: LoggerOptions): Logger {
  const isText = options.format === "text" || (options.format === "auto" && process.stdout.isTTY);
  const settings = { level: options.level, base: null, formatters: { level: (label: string) => ({ level: label }) } };
  const logger = isText
    ? pino(settings, textStream(options.myid))
    : pino({ ...settings, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 1, sync: true }));
  return {
    debug: (facts, message) => logger.debug(facts, message),
    info: (facts, message) => logger.info(facts, message),
    warn: (facts, message) => logger.warn(facts, message),
    error: (facts, message) => logger.error(facts, message),
  };
}

function textStream(myid: string): { write(line: string): void } {
  return {
    write(line) {
      const { level, msg } = JSON.parse(line) as { level: string; msg: string };
      const label = level.toUpperCase().padEnd(5);
      process.stdout.write(`${localTime(new Date())} [myid:${myid}] - ${label} [main:Nodekeeper@1] - ${msg}\n`);
    },
  };
}

/** `yyyy-MM-dd HH:mm:ss,SSS` in local time. */
function localTime(now: Date): string {
  const date = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
  return `${date} ${time},${String(now.getMilliseconds()).padStart(3, "0")}`;
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}
