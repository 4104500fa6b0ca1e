/** The C client as Debian ships it, its calls that wait and those with completions: the same scenarios on both servers. */

import { cClient } from "./programs.ts";
import { playScenarios } from "./scenarios.ts";

playScenarios({ name: "libzookeeper_mt 3.8.0", start: cClient });
