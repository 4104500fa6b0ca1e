import { describe, expect, it } from "vitest";
import { ConfigError } from "#base/errors.ts";
import { fileErrorReason, unreadableConfigFile, unreadableMyid } from "#config/file-error.ts";

function refusal(code: string): Error {
  return Object.assign(new Error(`${code}: as Node has it`), { code });
}

function checkConfigFile(file: string, code: string, text: string): void {
  const error = unreadableConfigFile(file, refusal(code));
  expect(error).toBeInstanceOf(ConfigError);
  expect(error.message).toBe(text);
}

describe("a file that cannot be read", () => {
  it("is missing only if it is, and is named once", () => {
    checkConfigFile("/zoo.cfg", "ENOENT", "/zoo.cfg: file is missing; valid is the path of a zoo.cfg");
    checkConfigFile(
      "/zoo.cfg",
      "EACCES",
      "/zoo.cfg: cannot be read: permission denied; valid is a file that this user may read",
    );
    checkConfigFile("/conf", "EISDIR", "/conf: is a directory; valid is the path of a zoo.cfg");
    checkConfigFile(
      "/a/zoo.cfg",
      "ENOTDIR",
      "/a/zoo.cfg: cannot be read: a part of the path is not a directory; valid is the path of a zoo.cfg",
    );
  });

  it("was perhaps meant as a port, when its name is a number", () => {
    checkConfigFile(
      "2181",
      "ENOENT",
      "2181: file is missing; valid is the path of a zoo.cfg, or a port and a data folder: start 2181 DATADIR",
    );
  });

  it("is told of in the same way when it is myid", () => {
    expect(unreadableMyid("/data/myid", refusal("EISDIR")).message).toBe(
      "/data/myid: is a directory; valid is a file that holds this server's number",
    );
    expect(unreadableMyid("/data/myid", refusal("EACCES")).message).toContain("cannot be read: permission denied");
  });
});

describe("the reason of a refusal", () => {
  it("is in words where it is a common one, else as it came", () => {
    expect(fileErrorReason(refusal("EROFS"))).toBe("the file system is read-only");
    expect(fileErrorReason(refusal("EIO"))).toBe("EIO: as Node has it");
    expect(fileErrorReason("no error at all")).toBe("no error at all");
  });
});
