/** Whether this is the shortened suite that every change passes (`npm run compat -- --shard ci`). */
export const isShort: boolean = process.env["COMPAT_SHARD"] === "ci";
