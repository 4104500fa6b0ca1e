/**
 * The reference in a container, for machines that have a container engine and no JVM: the official image, its zoo.cfg
 * and data folder bound to the same paths as on the host, so that server.ts need not know the difference.
 *
 * testcontainers is imported inside the functions: it costs a third of a second, and most machines never come here.
 */

import { once } from "node:events";
import { connect } from "node:net";

export const image = "zookeeper:3.9.5";

/** A reference server in a container. */
export interface ContainerServer {
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** True when an engine listens where testcontainers would look for it. */
export async function containerEngineAnswers(): Promise<boolean> {
  const host = process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock";
  if (!host.startsWith("unix://")) return host !== "";
  const socket = connect(host.slice("unix://".length));
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export interface ContainerSettings {
  readonly folder: string;
  readonly configFile: string;
  readonly port: number;
  readonly properties: readonly string[];
}

/**
 * Starts the reference in a container on the host's network.
 * @throws Error when the engine cannot have the image.
 */
export async function startContainer(settings: ContainerSettings): Promise<ContainerServer> {
  const { GenericContainer, Wait } = await import("testcontainers");
  const started = await new GenericContainer(image)
    .withNetworkMode("host")
    .withBindMounts([{ source: settings.folder, target: settings.folder, mode: "rw" }])
    .withEnvironment({ JVMFLAGS: settings.properties.join(" ") })
    .withUser(`${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`)
    .withEntrypoint(["zkServer.sh", "start-foreground", settings.configFile])
    .withWaitStrategy(Wait.forLogMessage(/binding to port/i))
    .start();
  return {
    stop: async () => {
      await started.stop({ timeout: 10_000 });
    },
    kill: async () => {
      await started.stop({ timeout: 0 });
    },
  };
}
