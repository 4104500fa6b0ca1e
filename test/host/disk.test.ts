import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DiskError } from "#base/errors.ts";
import type { DiskFile } from "#host/disk.ts";
import { NodeDisk } from "#host/node/disk.ts";

const disk = new NodeDisk();
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "node-disk-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(file: DiskFile, text: string, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    file.write(Buffer.from(text), position, (error) => (error === null ? resolve() : reject(error)));
  });
}

function datasync(file: DiskFile): Promise<void> {
  return new Promise((resolve, reject) => {
    file.datasync((error) => (error === null ? resolve() : reject(error)));
  });
}

async function failureOf(work: Promise<unknown>): Promise<DiskError> {
  try {
    await work;
  } catch (error) {
    expect(error).toBeInstanceOf(DiskError);
    return error as DiskError;
  }
  throw new Error("it did not fail");
}

describe("the real disk", () => {
  test.each(["create", "create-durable"] as const)("writes at positions and reads back (%s)", async (mode) => {
    const path = join(folder, "a");
    writeFileSync(path, "what was here before");
    const file = await disk.open(path, mode);
    expect(file.isDurableOnWrite).toBe(mode === "create-durable" && process.platform === "linux");
    await write(file, "world", 6);
    await write(file, "hello ", 0);
    await datasync(file);
    expect(readFileSync(path, "utf8")).toBe("hello world");
    const target = Buffer.alloc(8, 0x2e);
    expect(await file.read(target, 1, 5, 8)).toBe(3);
    expect(target.toString()).toBe(".rld....");
    expect(await file.read(target, 0, 5, 11)).toBe(0);
    expect(await file.sizeBytes()).toBe(11);
    await file.close();
  });

  test("updates and truncates a file in place", async () => {
    const path = join(folder, "a");
    writeFileSync(path, "0123456789");
    const file = await disk.open(path, "update");
    await write(file, "xx", 3);
    await file.truncate(6);
    await file.close();
    expect(readFileSync(path, "utf8")).toBe("012xx5");
  });

  test("lists, renames, removes and makes folders durable", async () => {
    const inner = join(folder, "x", "version-2");
    await disk.makeFolder(inner);
    await disk.makeFolder(inner);
    writeFileSync(join(inner, "a"), "1");
    await disk.rename(join(inner, "a"), join(inner, "b"));
    await disk.syncFolder(inner);
    expect(await disk.list(inner)).toEqual(["b"]);
    expect(await disk.stat(join(inner, "b"))).toMatchObject({ sizeBytes: 1, isFolder: false });
    expect(await disk.stat(inner)).toMatchObject({ isFolder: true });
    await disk.remove(join(inner, "b"));
    expect(await disk.stat(join(inner, "b"))).toBeNull();
    expect(await disk.isWritable(inner)).toBe(true);
    expect(await disk.isWritable(join(inner, "none"))).toBe(false);
  });

  test("makes folders in folders, and gives up where none can be made", async () => {
    const deep = join(folder, "a", "b", "c");
    await disk.makeFolder(deep);
    await disk.makeFolder(deep);
    expect((await disk.stat(deep))?.isFolder).toBe(true);
    if (process.platform === "linux") {
      expect((await failureOf(disk.makeFolder("/proc/x/y"))).facts).toEqual({
        path: "/proc/x/y",
        action: "make folder",
      });
    }
  });

  test("finds nothing below a file", async () => {
    writeFileSync(join(folder, "file"), "");
    expect(await disk.stat(join(folder, "file", "x"))).toBeNull();
  });

  test("names path and action in every failure", async () => {
    const missing = join(folder, "missing");
    expect((await failureOf(disk.open(missing, "read"))).facts).toEqual({ path: missing, action: "open" });
    expect((await failureOf(disk.open(missing, "update"))).facts).toEqual({ path: missing, action: "open" });
    expect((await failureOf(disk.list(missing))).facts).toEqual({ path: missing, action: "list" });
    expect((await failureOf(disk.remove(missing))).facts).toEqual({ path: missing, action: "remove" });
    expect((await failureOf(disk.rename(missing, folder))).facts).toEqual({ path: missing, action: "rename" });
    expect((await failureOf(disk.syncFolder(missing))).facts.path).toBe(missing);
    writeFileSync(missing, "no folder");
    expect((await failureOf(disk.makeFolder(join(missing, "x")))).facts.action).toBe("make folder");
    expect((await failureOf(disk.makeFolder(missing))).facts.action).toBe("make folder");
    const file = await disk.open(missing, "read");
    const error = await failureOf(write(file, "x", 0));
    expect(error.facts).toEqual({ path: missing, action: "write" });
    expect(error.cause).toMatchObject({ code: "EBADF" });
    expect((await failureOf(file.truncate(0))).facts).toEqual({ path: missing, action: "truncate" });
    await file.close();
    expect((await failureOf(file.close())).facts).toEqual({ path: missing, action: "close" });
  });
});
