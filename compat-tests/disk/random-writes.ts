/**
 * Writes drawn from a seed for one writer of a crash test: creates of every kind, changes of data and ACLs, multis,
 * deletes, and now and then the end of the session. Half of the paths are taken from what is there already, the others
 * from a small pool, so that writes succeed often and are refused often enough.
 *
 * Ephemerals have names of their own (`live-...`) and get ACL lists that come and go; all other znodes share
 * `commonLists`, which somebody must keep in use. The reference needs that: of a parent whose list came up while a
 * snapshot was written it dies at the next start (fuzzy-acl.test.ts).
 */

import { aclOf, openAcl, type Acl } from "../wire/requests.ts";
import type { Dice } from "../wire/dice.ts";
import type { Create, CreateKind, Part, Write, ZnodeModel } from "./znode-model.ts";

/** Above this many znodes a writer deletes more than it creates. */
const znodesMax = 60;

const kinds: readonly CreateKind[] = ["plain", "plain", "create2", "ephemeral", "ephemeral", "container", "ttl"];
const names = ["a", "b", "c", "d", "e"];
const versions = [-1, -1, -1, -1, 0, 1, 2];
const datas = ["", "1", "some data", "wide \u00e4\u20ac", "x".repeat(700), null];
const worldWide = aclOf(31, "world", "anyone");

/** The next write in the subtree `root`, of which `model` says what is there. */
export function nextWrite(dice: Dice, root: string, model: ZnodeModel): Write {
  if (dice.isOneIn(60)) return { kind: "close" };
  if (dice.isOneIn(8)) {
    const parts = dice.times(1 + dice.below(4), () => nextPart(dice, root, model));
    if (dice.isOneIn(4)) parts.push({ kind: "check", path: pathOf(dice, root, model), version: dice.pick(versions) });
    return { kind: "multi", parts };
  }
  if (!dice.isOneIn(6)) return nextPart(dice, root, model);
  const path = pathOf(dice, root, model);
  return { kind: "setAcl", path, acl: aclFor(path, dice), version: dice.pick(versions) };
}

/** What may stand in a multi: setACL may not. */
function nextPart(dice: Dice, root: string, model: ZnodeModel): Part {
  const path = pathOf(dice, root, model);
  const isFull = model.paths.length > znodesMax;
  const throwOf = dice.below(isFull ? 20 : 10);
  if (throwOf < 5) return creation(dice, root, model);
  if (throwOf < 7) return { kind: "setData", path, data: dice.pick(datas), version: dice.pick(versions) };
  return { kind: "delete", path: path === root ? `${root}/none` : path, version: dice.pick(versions) };
}

function creation(dice: Dice, root: string, model: ZnodeModel): Create {
  const as = dice.pick(kinds);
  const isSequential = as !== "container" && dice.isOneIn(3);
  const above = dice.isOneIn(2) ? root : pathOf(dice, root, model);
  const name = isSequential ? "seq-" : dice.pick(names);
  const path = `${above}/${as === "ephemeral" ? `live-${name}` : name}`;
  return { kind: "create", as, path, isSequential, data: dice.pick(datas), acl: aclFor(path, dice) };
}

function pathOf(dice: Dice, root: string, model: ZnodeModel): string {
  if (dice.isOneIn(2)) return dice.pick(model.paths);
  const path = `${root}/${dice.pick(names)}`;
  return dice.isOneIn(2) ? path : `${path}/${dice.pick(names)}`;
}

function aclFor(path: string, dice: Dice): readonly Acl[] {
  if (dice.isOneIn(3)) return openAcl;
  if (dice.isOneIn(4)) return [aclOf(31, "auth", "")];
  return path.includes("/live-") ? freshList(dice) : dice.pick(commonLists);
}

/** A list that hardly comes twice: a database must hold many and forget those that nobody uses. */
function freshList(dice: Dice): readonly Acl[] {
  const further = Array.from({ length: 1 + dice.below(2) }, (_, index) => {
    const perms = 1 + dice.below(31);
    const who = dice.below(40);
    return dice.isOneIn(2) ? aclOf(perms, "ip", `10.${index}.0.${who}`) : aclOf(perms, "digest", `u${index}-${who}:x`);
  });
  return dice.isOneIn(2) ? [worldWide, ...further] : [...further, worldWide];
}

/** Lists that differ in length, order and permissions. */
export const commonLists: readonly (readonly Acl[])[] = Array.from({ length: 20 }, (_, index) => {
  const further = [aclOf(1 + index, "ip", "10.1.0.0/16"), aclOf(31, "digest", "common:x")].slice(0, index % 3);
  return index % 2 === 0 ? [worldWide, ...further, aclOf(index, "ip", "10.2.0.1")] : [...further, worldWide];
});
