/** go-zookeeper, the client of most programs in Go: the same program against both servers sees the same. */

import { goZookeeper } from "./programs.ts";
import { playScenarios } from "./scenarios.ts";

playScenarios({ name: "go-zookeeper 1.0.4", start: goZookeeper }, { recipes: {} });
