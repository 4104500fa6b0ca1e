/** The program of the thread that reads a snapshot for a server that starts; see storage/snapshot-thread.ts. */

import { NodeDisk } from "#host/node/disk.ts";
import { startedThread } from "#host/node/threads.ts";
import { serveScan, type ScanTask } from "#storage/snapshot-thread.ts";
import { type ScannerOptions, TreeSnapshotScanner } from "#tree/snapshot-scanner.ts";

const { task, port } = startedThread();
const { path, scannerOptions } = task as ScanTask<ScannerOptions>;
await serveScan(new NodeDisk(), path, new TreeSnapshotScanner(scannerOptions), port);
