/**
 * A Kafka broker in ZooKeeper mode as a process: its settings, its folder, and the ways in which it begins and ends.
 *
 * Small and quick to start, with a session short enough to wait for its end and long enough to outlive a restart of the
 * server on a busy machine. Topics are created and leaders moved by the play alone: what the broker would do by its own
 * clock is turned off, and so both builds see the same requests.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../../test/support/free-port.ts";
import { classPath, quickStart } from "../../reference/artifacts.ts";
import { endedWithTests } from "../../reference/process.ts";

const stopTimeoutMs = 90_000;

/** The last of two -Xmx counts. */
const virtualMachineWords = [...quickStart, "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"];

/** Lines of server.properties that both brokers share. */
const settings: Readonly<Record<string, string | number>> = {
  "zookeeper.session.timeout.ms": 12_000,
  "zookeeper.connection.timeout.ms": 30_000,
  "authorizer.class.name": "kafka.security.authorizer.AclAuthorizer",
  "allow.everyone.if.no.acl.found": "true",
  "auto.create.topics.enable": "false",
  "auto.leader.rebalance.enable": "false",
  "group.initial.rebalance.delay.ms": 0,
  "offsets.topic.replication.factor": 1,
  "offsets.topic.num.partitions": 2,
  "transaction.state.log.replication.factor": 1,
  "transaction.state.log.min.isr": 1,
  "transaction.state.log.num.partitions": 2,
  "num.network.threads": 2,
  "num.io.threads": 2,
  "background.threads": 2,
  "log.cleaner.dedupe.buffer.size": 4_000_000,
  "controlled.shutdown.retry.backoff.ms": 500,
};

export class KafkaBroker {
  readonly #id: number;
  readonly #folder: string;
  readonly #zooKeeper: string;
  #port = 0;
  #child: ChildProcess | null = null;

  /** `zooKeeper` is HOST:PORT and the chroot; `folder` is made when it is absent. */
  constructor(id: number, folder: string, zooKeeper: string) {
    this.#id = id;
    this.#folder = folder;
    this.#zooKeeper = zooKeeper;
  }

  /** Where clients find it, from the first call on. */
  async address(): Promise<string> {
    this.#port ||= await freePort();
    return `127.0.0.1:${this.#port}`;
  }

  /** Starts the process; whether it serves, its clients find out. */
  async start(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true });
    const file = join(this.#folder, "server.properties");
    const lines = {
      "broker.id": this.#id,
      listeners: `PLAINTEXT://${await this.address()}`,
      "log.dirs": join(this.#folder, "logs"),
      "zookeeper.connect": this.#zooKeeper,
      ...settings,
    };
    writeFileSync(
      file,
      Object.entries(lines)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(""),
    );
    const output = openSync(this.#outputFile, "a");
    const words = [...virtualMachineWords, "-cp", classPath("kafka"), "kafka.Kafka", file];
    const child = spawn("java", words, { stdio: ["ignore", output, output] });
    closeSync(output);
    this.#child = child;
    endedWithTests(child);
  }

  /** SIGTERM: leaders are handed over, the session is closed. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** SIGKILL: the session stays until it expires. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Stops the process without ending it, as a long pause of its machine does. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  /** The end of what it logged, for the message of a test that fails. */
  lastOutput(): string {
    try {
      return readFileSync(this.#outputFile, "utf8").slice(-3000);
    } catch {
      return "(no output)";
    }
  }

  get #outputFile(): string {
    return join(this.#folder, "broker.out");
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    // A broker that does not end by itself is a finding, and must not outlive it.
    let isOverdue = false;
    const overdue = setTimeout(() => {
      isOverdue = true;
      child.kill("SIGKILL");
    }, stopTimeoutMs);
    await ended;
    clearTimeout(overdue);
    if (isOverdue) throw new Error(`broker ${this.#id} did not end within ${stopTimeoutMs} ms of ${signal}`);
  }
}
