/** snappyjs brings no types: raw snappy blocks, without any framing. */
declare module "snappyjs" {
  /** @throws Error when the block is not snappy, or longer than `maxLength` when it is uncompressed. */
  export function uncompress(compressed: Buffer, maxLength?: number): Buffer;
  export function compress(uncompressed: Buffer): Buffer;
}
