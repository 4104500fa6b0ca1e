"""Programs that make load: random operations whose every outcome is said, and a writer that never stops."""

import random
import sys
import threading

from kazoo.client import KazooState
from kazoo.security import OPEN_ACL_UNSAFE, make_acl

from speech import Spoken, say, started


def random_operations(hosts, seed, count):
    """Many operations over few paths; each is said with its outcome. Then the tree is compared outside."""
    dice = random.Random(int(seed))
    zk = Spoken(started(hosts), "random")
    zk.client.ensure_path("/r")
    for _ in range(int(count)):
        one_operation(zk, dice)
    say("all asked")
    say("done", sys.stdin.readline().strip())
    zk.client.stop()


NAMES = tuple("/r/" + name for name in ("a", "b", "c", "a/x", "a/y", "b/x", "a/x/z"))


def one_operation(zk, dice):
    path = dice.choice(NAMES)
    kind = dice.randrange(10)
    data = bytes(dice.choice("abcdef"), "ascii") * dice.randrange(1, 40)
    version = dice.choice([-1, -1, -1, 0, 1, 2])
    if kind <= 2:
        zk.create(
            path, data, ephemeral=dice.random() < 0.1, sequence=dice.random() < 0.2, include_data=dice.random() < 0.5
        )
    elif kind <= 4:
        zk.set(path, data, version=version)
    elif kind == 5:
        zk.delete(path, version=version, recursive=dice.random() < 0.3)
    elif kind == 6:
        zk.get(path)
    elif kind == 7:
        more = [make_acl("ip", "10.0.0.1", read=True)] if dice.random() < 0.5 else []
        zk.set_acls(path, OPEN_ACL_UNSAFE + more, version=version)
    elif kind == 8:
        zk.get_children(path, include_data=True)
    else:
        other = dice.choice(NAMES)
        zk.commit(
            ("create", path + "-t", data), ("set_data", other, data), ("check", other, version), ("delete", path + "-t")
        )


def writer(hosts, round_name):
    """Writes without end and says which paths were acknowledged, until the server is gone."""
    zk = started(hosts, timeout=10.0)
    zk.ensure_path("/load")
    lost = threading.Event()
    zk.add_listener(lambda state: lost.set() if state != KazooState.CONNECTED else None)
    pending, number = [], 0
    while not lost.is_set():
        path = "/load/r%s-%06d" % (round_name, number)
        pending.append((path, zk.create_async(path, b"%d" % number)))
        number += 1
        while pending and (pending[0][1].ready() or len(pending) > 200):
            path, result = pending.pop(0)
            try:
                result.get(timeout=1)
                print(path, flush=True)
            except Exception:
                break
    for path, result in pending:
        if result.ready() and result.successful():
            print(path, flush=True)
