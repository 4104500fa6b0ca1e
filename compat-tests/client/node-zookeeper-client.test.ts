/** node-zookeeper-client, from npm: the same program against both servers sees the same. */

import { nodeZookeeperClient } from "./programs.ts";
import { playScenarios } from "./scenarios.ts";

playScenarios({ name: "node-zookeeper-client 1.1.3", start: nodeZookeeperClient });
