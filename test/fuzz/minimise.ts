/**
 * Makes an input smaller while it does what it is kept for: pieces are taken out, large ones first, then bytes become zeros. Each
 * attempt is a run, so there is a limit to them; what comes out is small, not smallest.
 */

/** @param isStillIt whether an input does what the first one did. */
export async function minimise(
  input: Buffer,
  attemptsMax: number,
  isStillIt: (input: Buffer) => Promise<boolean>,
): Promise<Buffer> {
  let best = input;
  let attempts = 0;
  const keepIf = async (candidate: Buffer): Promise<boolean> => {
    if (attempts >= attemptsMax || candidate.equals(best)) return false;
    attempts++;
    if (!(await isStillIt(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length;) {
      const isShorter = await keepIf(Buffer.concat([best.subarray(0, at), best.subarray(at + size)]));
      if (!isShorter) at += size;
    }
  }
  for (let at = 0; at < best.length; at++) {
    if (best[at] === 0) continue;
    const candidate = Buffer.from(best);
    candidate[at] = 0;
    await keepIf(candidate);
  }
  return best;
}
