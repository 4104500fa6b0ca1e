/** CPU time over a stretch of time: of servers, for each operation, and of the process that drives them. */

import { cpuSeconds } from "../support/server-process.ts";

export interface CpuReading {
  readonly seconds: number;
  readonly serverCpuSeconds: number;
  /** CPU seconds of this process for each second: near 1, the generator is what is measured. */
  readonly loadCpuShare: number;
}

export class CpuMeter {
  readonly #serverPids: readonly number[];
  readonly #serverCpuBefore: number;
  readonly #ownCpuBefore = process.cpuUsage();
  readonly #fromMs = performance.now();

  /** Begins now. */
  constructor(serverPids: readonly number[]) {
    this.#serverPids = serverPids;
    this.#serverCpuBefore = this.#serverCpu;
  }

  /** What has been used since it began. */
  read(): CpuReading {
    const seconds = (performance.now() - this.#fromMs) / 1000;
    const ownCpu = process.cpuUsage(this.#ownCpuBefore);
    return {
      seconds,
      serverCpuSeconds: this.#serverCpu - this.#serverCpuBefore,
      loadCpuShare: (ownCpu.user + ownCpu.system) / 1e6 / seconds,
    };
  }

  get #serverCpu(): number {
    return this.#serverPids.reduce((total, pid) => total + cpuSeconds(pid), 0);
  }
}
