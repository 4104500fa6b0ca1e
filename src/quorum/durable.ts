/**
 * Promises about a disk, in the type of what is promised. What says "I have this, whatever happens" to another server
 * (LEADERINFO, ACKEPOCH, the acknowledgements of NEWLEADER and of proposals) is built from a Durable, and only the
 * driver of a disk makes one, when the disk has said so. So the order
 *
 *   before this leaves       this is on the disk
 *   LEADERINFO, ACKEPOCH     the sender's acceptedEpoch
 *   ACK of NEWLEADER         the synced transactions or the snapshot, and then currentEpoch
 *   ACK of a proposal        that transaction, and all before it
 *
 * is one that the compiler watches over. Promising too early is how ensembles lose data (ZOOKEEPER-3911, 4643, 4646, 4785).
 */

declare const brand: unique symbol;

/** A value that is on this server's disk. Costs nothing: the mark is erased with the types. */
export type Durable<Value> = Value & { readonly [brand]: "durable" };

/** Marks a value as being on the disk. For drivers of a disk only, once a sync has succeeded. */
export function asDurable<Value>(value: Value): Durable<Value> {
  return value as Durable<Value>;
}
