import { array, assert, constantFrom, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJavaProperties } from "#base/java-properties.ts";
import {
  dynamicFileOf,
  dynamicFileText,
  nextFileOf,
  nextFileText,
  staticFileText,
  versionOfFileName,
} from "#config/dynamic-config.ts";
import { verifierOf } from "../quorum/support.ts";

const options = { zooCfg: "/conf/zoo.cfg", dynamicFile: "/conf/zoo.cfg.dynamic.1a", isClientPortMoved: true };

function edited(text: string, isClientPortMoved = true): string {
  return staticFileText(Buffer.from(text, "latin1"), { ...options, isClientPortMoved }).toString("latin1");
}

describe("a file of members", () => {
  it("has its version in its name, in hexadecimal", () => {
    expect(dynamicFileOf("/conf/zoo.cfg", 0x100000002n)).toBe("/conf/zoo.cfg.dynamic.100000002");
    expect(nextFileOf("/conf/zoo.cfg")).toBe("/conf/zoo.cfg.dynamic.next");
    expect(versionOfFileName("/conf/zoo.cfg.dynamic.100000002")).toBe(0x100000002n);
    for (const name of ["/conf/zoo.cfg.dynamic", "dynamic", "x.", "x.-1", "x.8000000000000000"]) {
      expect(versionOfFileName(name), name).toBe(0n);
    }
  });

  it("has sorted lines and no last line end, and the version only while it is not committed", () => {
    const config = verifierOf("server.2=b:1:2;3\nserver.10=a:1:2:observer\ngroup.1=2", 26n);
    const lines = ["group.1=2", "server.10=a:1:2:observer", "server.2=b:1:2:participant;0.0.0.0:3"];
    expect(dynamicFileText(config)).toBe([...lines, "weight.2=1"].join("\n"));
    expect(nextFileText(config)).toBe([...lines, "version=1a", "weight.2=1"].join("\n"));
  });
});

describe("a zoo.cfg whose members have moved", () => {
  it("keeps every other line as it is, comments too", () => {
    const text =
      "# ours\ntickTime = 2000\n\nserver.1=a:1:2\n  group.1=1\ndataDir=/d\\\n  ata\npeerType=observer\n# end\n";
    expect(edited(text)).toBe(
      "# ours\ntickTime = 2000\n\ndataDir=/d\\\n  ata\n# end\ndynamicConfigFile=/conf/zoo.cfg.dynamic.1a\n",
    );
  });

  it("loses a line that goes over several, and the name of the file before", () => {
    const text = "server.1=a:1:\\\n  2\r\ndynamicConfigFile=/conf/old\r\ntickTime=5";
    expect(edited(text)).toBe("tickTime=5\ndynamicConfigFile=/conf/zoo.cfg.dynamic.1a\n");
  });

  it("loses the client port only when the member line has it, and nothing else of its name", () => {
    const text = "clientPort=2181\nclientPortAddress=a\nclientPortListenBacklog=5\n";
    const pointer = "dynamicConfigFile=/conf/zoo.cfg.dynamic.1a\n";
    expect(edited(text, false)).toBe(text + pointer);
    expect(edited(text)).toBe(`clientPortListenBacklog=5\n${pointer}`);
  });

  it("names a file with any characters", () => {
    const dynamicFile = "/conf \\ \u00fc\u20ac/zoo.cfg.dynamic.1a";
    const bytes = staticFileText(Buffer.from(""), { ...options, dynamicFile });
    expect(parseJavaProperties(bytes, "zoo.cfg")).toMatchObject([{ key: "dynamicConfigFile", value: dynamicFile }]);
  });

  it("says of all other keys what it said before", () => {
    const line = constantFrom("a=1", "server.1=x:1:2", "# c", "", "  weight.1=2 \\", "b=2\\", "clientPort=3", "!d\\");
    assert(
      property(array(line), constantFrom("\n", "\r", "\r\n"), (lines, end) => {
        const text = lines.join(end);
        const kept = parseJavaProperties(Buffer.from(text), "zoo.cfg")
          .map(({ key, value }) => `${key}=${value}`)
          .filter((entry) => !/^(server|weight|clientPort)/.test(entry));
        const bytes = Buffer.from(edited(text), "latin1");
        const found = parseJavaProperties(bytes, "zoo.cfg").map(({ key, value }) => `${key}=${value}`);
        expect(found).toEqual([...kept, "dynamicConfigFile=/conf/zoo.cfg.dynamic.1a"]);
      }),
    );
  });
});
