/**
 * A map whose keys are 64-bit numbers given as two int32 halves (session ids): no BigInt and no text per look-up.
 * Ids of one server share their high half for days, so the outer map stays tiny.
 */

export class LongMap<Value> {
  readonly #byHigh = new Map<number, Map<number, Value>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(high: number, low: number): Value | undefined {
    return this.#byHigh.get(high | 0)?.get(low | 0);
  }

  has(high: number, low: number): boolean {
    return this.#byHigh.get(high | 0)?.has(low | 0) ?? false;
  }

  set(high: number, low: number, value: Value): void {
    let byLow = this.#byHigh.get(high | 0);
    if (byLow === undefined) {
      byLow = new Map();
      this.#byHigh.set(high | 0, byLow);
    }
    if (!byLow.has(low | 0)) this.#size++;
    byLow.set(low | 0, value);
  }

  delete(high: number, low: number): boolean {
    const byLow = this.#byHigh.get(high | 0);
    if (byLow === undefined || !byLow.delete(low | 0)) return false;
    if (byLow.size === 0) this.#byHigh.delete(high | 0);
    this.#size--;
    return true;
  }

  clear(): void {
    this.#byHigh.clear();
    this.#size = 0;
  }

  /** Calls `visit` for every entry, oldest first within a high half. */
  forEach(visit: (value: Value, high: number, low: number) => void): void {
    for (const [high, byLow] of this.#byHigh) {
      for (const [low, value] of byLow) visit(value, high, low);
    }
  }
}
