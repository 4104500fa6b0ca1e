/** The official Java client 3.9.5, all of its API: the same scenarios look the same on both servers. */

import { javaClient } from "./programs.ts";
import { playScenarios } from "./scenarios.ts";

playScenarios({
  name: "Java client 3.9.5",
  start: (port, scenario) => javaClient("server", port, scenario),
});
