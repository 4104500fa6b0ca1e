import { describe, expect, test } from "vitest";
import {
  compressionOfName,
  filesOfKind,
  isTemporaryName,
  logFileName,
  parseFileName,
  snapshotFileName,
  temporaryNameOf,
} from "#storage/file-names.ts";

function zxidOf(name: string, kind: "log" | "snapshot"): bigint | null {
  const zxid = parseFileName(name, kind);
  return zxid === null ? null : (BigInt(zxid.zxidHigh) << 32n) | BigInt(zxid.zxidLow >>> 0);
}

describe("names", () => {
  test("carry the zxid in lower-case hexadecimal without prefix or padding", () => {
    expect(logFileName(0, 1)).toBe("log.1");
    expect(logFileName(0x5, 0xabc)).toBe("log.500000abc");
    expect(logFileName(0, -1)).toBe("log.ffffffff");
    expect(snapshotFileName(0, 0, "none")).toBe("snapshot.0");
    expect(snapshotFileName(1, 2, "gz")).toBe("snapshot.100000002.gz");
    expect(snapshotFileName(1, 2, "snappy")).toBe("snapshot.100000002.snappy");
  });

  test("are read as ZooKeeper reads them: kind, number, and anything behind", () => {
    expect(zxidOf("log.500000abc", "log")).toBe(0x500000abcn);
    expect(zxidOf("log.100.fixed", "log")).toBe(0x100n);
    expect(zxidOf("log.ABC", "log")).toBe(0xabcn);
    expect(zxidOf("log.0000000000000000005", "log")).toBe(5n);
    expect(zxidOf("snapshot.5.tmp", "snapshot")).toBe(5n);
    expect(zxidOf("snapshot.7fffffffffffffff", "snapshot")).toBe(0x7fffffffffffffffn);
  });

  test("of anything else carry none", () => {
    for (const name of ["log", "log.", "log.xyz", "logs.1", "snapshot.1", "1.log", "log.8000000000000000", "log.-1"]) {
      expect(zxidOf(name, "log")).toBeNull();
    }
  });

  test("of unfinished snapshots are no snapshots, for us or for ZooKeeper", () => {
    const name = temporaryNameOf("snapshot.5.gz");
    expect(isTemporaryName(name)).toBe(true);
    expect(name.split(".")[0]).not.toBe("snapshot");
    expect(zxidOf(name, "snapshot")).toBeNull();
    for (const other of ["snapshot.5", "tmp.log.5", "tmp.snapshot", "currentEpoch.tmp", "tmp.snapshot.zz"]) {
      expect(isTemporaryName(other)).toBe(false);
    }
  });

  test("say by their last extension how a snapshot is compressed", () => {
    expect(compressionOfName("snapshot.5")).toBe("none");
    expect(compressionOfName("snapshot.5.gz")).toBe("gz");
    expect(compressionOfName("snapshot.5.old.SNAPPY")).toBe("snappy");
    expect(compressionOfName("snapshot.5.gz.tmp")).toBe("none");
  });

  test("are sorted by zxid, not by text", () => {
    const names = ["log.100000001", "currentEpoch", "log.ff", "snapshot.3", "log.2"];
    expect(filesOfKind("/d", names, "log").map((file) => file.path)).toEqual([
      "/d/log.2",
      "/d/log.ff",
      "/d/log.100000001",
    ]);
  });
});
