/** The official Java client 3.4.14, which many services still have: the same scenarios, as far as its API goes. */

import { javaClient } from "./programs.ts";
import { playScenarios } from "./scenarios.ts";

playScenarios({
  name: "Java client 3.4.14",
  isBriefInShort: true,
  start: (port, scenario) => javaClient("client-3.4", port, scenario),
});
