/** The machine and the process, for `envi`. */
export interface EnvironmentFacts {
  /** IANA name, for times in text: `Europe/Berlin`. */
  readonly timeZone: string;
  readonly hostName: string;
  /** As Node names it: `linux`, `darwin`, `win32`. */
  readonly platform: string;
  /** As Node names it: `x64`, `arm64`. */
  readonly architecture: string;
  readonly osRelease: string;
  readonly userName: string;
  readonly userHome: string;
  readonly workingFolder: string;
  readonly temporaryFolder: string;
  /** Of the process: free within its heap, the heap's limit, the heap's size. */
  readonly memoryFreeBytes: number;
  readonly memoryMaxBytes: number;
  readonly memoryTotalBytes: number;
}
