"""Scenarios of the Python client, as a user would write them. Each prints what it saw, one JSON value a line.

usage: outcomes.py HOST:PORT SCENARIO [ARGUMENT ...]

What differs between two runs against one server (ids, times, zxids) is not printed.
"""

import json
import logging
import random
import sys
import threading
import time

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import KazooException
from kazoo.protocol.states import EventType
from kazoo.recipe.barrier import DoubleBarrier
from kazoo.security import ACL, Id, OPEN_ACL_UNSAFE, make_acl, make_digest_acl

logging.basicConfig(level=logging.CRITICAL)
PATIENCE_S = 30


def say(*values):
    print(json.dumps(values, sort_keys=True, default=str), flush=True)


def started(hosts, **options):
    client = KazooClient(hosts=hosts, timeout=options.pop("timeout", 10.0), **options)
    client.start(timeout=PATIENCE_S)
    return client


def shape(stat):
    return {
        "version": stat.version,
        "cversion": stat.cversion,
        "aversion": stat.aversion,
        "length": stat.dataLength,
        "children": stat.numChildren,
        "ephemeral": stat.ephemeralOwner != 0,
        "created_now": stat.czxid == stat.mzxid,
    }


def attempt(call, *args, **kwargs):
    """The result, or the name of the exception that a user would catch."""
    try:
        return call(*args, **kwargs)
    except KazooException as error:
        return type(error).__name__


def eventually(condition, what):
    deadline = time.time() + PATIENCE_S
    while not condition():
        if time.time() > deadline:
            raise AssertionError("never: " + what)
        time.sleep(0.01)


def basics(hosts):
    zk = started(hosts)
    say(zk.create("/basics", b"value"), shape(zk.exists("/basics")))
    say(attempt(zk.create, "/basics", b""))
    say(attempt(zk.create, "/basics/no/parent", b""))
    say(zk.create("/basics/with/parents", b"deep", makepath=True))
    say(zk.create("/basics/seq-", b"", sequence=True), zk.create("/basics/seq-", b"", sequence=True))
    say(zk.create("/basics/eph", b"e", ephemeral=True), shape(zk.exists("/basics/eph")))
    say(attempt(zk.create, "/basics/eph/child", b""))
    say(zk.create("/basics/both-", b"", sequence=True, ephemeral=True))
    path, stat = zk.create("/basics/stat", b"abc", include_data=True)
    say(path, shape(stat))
    data, stat = zk.get("/basics")
    say(data, shape(stat))
    say(attempt(zk.get, "/absent"), zk.exists("/absent"))
    say(shape(zk.set("/basics", b"new", version=0)), attempt(zk.set, "/basics", b"x", version=0))
    say(zk.get("/basics")[0], sorted(zk.get_children("/basics")))
    children, stat = zk.get_children("/basics", include_data=True)
    say(sorted(children), shape(stat))
    say(zk.sync("/basics"), attempt(zk.get_children, "/absent"))
    say(attempt(zk.delete, "/basics"), attempt(zk.delete, "/basics/stat", version=7))
    say(zk.delete("/basics/stat"), attempt(zk.delete, "/basics/stat"))
    say(zk.ensure_path("/basics/with/more/parents"))
    say(zk.delete("/basics", recursive=True), zk.exists("/basics"))
    say(zk.server_version()[:2], zk.client_state)
    zk.stop()
    zk.close()


def transactions(hosts):
    zk = started(hosts)
    zk.create("/tx", b"0")
    good = zk.transaction()
    good.check("/tx", version=0)
    good.create("/tx/a", b"1")
    good.create("/tx/s-", b"", sequence=True)
    good.set_data("/tx", b"2", version=0)
    good.delete("/tx/a")
    say([shape(one) if hasattr(one, "czxid") else one for one in good.commit()])
    bad = zk.transaction()
    bad.create("/tx/b")
    bad.check("/tx", version=99)
    bad.delete("/tx")
    say([type(one).__name__ for one in bad.commit()], zk.exists("/tx/b"))
    with zk.transaction() as inner:
        inner.create("/tx/c", b"c")
    say(sorted(zk.get_children("/tx")))
    zk.stop()


def acls(hosts):
    owner = started(hosts)
    owner.add_auth("digest", "owner:secret")
    stranger = started(hosts)
    closed = [make_digest_acl("owner", "secret", all=True)]
    owner.create("/closed", b"hidden", acl=closed)
    say(owner.get("/closed")[0], attempt(stranger.get, "/closed"), attempt(stranger.set, "/closed", b""))
    readable = closed + [make_acl("world", "anyone", read=True)]
    say(shape(owner.set_acls("/closed", readable)), stranger.get("/closed")[0])
    say([[acl.perms, acl.id.scheme, acl.id.id] for acl in stranger.get_acls("/closed")[0]])
    say(attempt(stranger.delete, "/closed"), attempt(owner.create, "/x", acl=[ACL(31, Id("nope", "x"))]))
    owner.create("/mine", b"", acl=[ACL(31, Id("auth", ""))])
    say([[acl.perms, acl.id.scheme, acl.id.id] for acl in owner.get_acls("/mine")[0]])
    say(attempt(stranger.set_acls, "/mine", OPEN_ACL_UNSAFE))
    other = KazooClient(hosts=hosts, auth_data=[("digest", "owner:secret")], default_acl=closed)
    other.start(timeout=PATIENCE_S)
    say(other.get("/mine")[0], other.create("/defaulted"), attempt(stranger.get, "/defaulted"))
    for client in (owner, stranger, other):
        client.stop()


def watches(hosts):
    watching = started(hosts)
    writing = started(hosts)
    seen = []

    def note(event):
        seen.append([event.type, event.state, event.path])

    watching.exists("/w", watch=note)
    writing.create("/w", b"1")
    eventually(lambda: len(seen) == 1, "created")
    watching.get("/w", watch=note)
    watching.get_children("/w", watch=note)
    writing.set("/w", b"2")
    eventually(lambda: len(seen) == 2, "changed")
    writing.create("/w/c")
    eventually(lambda: len(seen) == 3, "children")
    watching.get("/w/c", watch=note)
    writing.delete("/w/c")
    eventually(lambda: len(seen) == 4, "deleted")
    say(seen)

    values, children = [], []
    watching.DataWatch("/dw", lambda data, stat: values.append(data))
    writing.create("/dw", b"a")
    eventually(lambda: values[-1:] == [b"a"], "DataWatch a")
    writing.set("/dw", b"b")
    eventually(lambda: values[-1:] == [b"b"], "DataWatch b")
    writing.delete("/dw")
    eventually(lambda: values[-1:] == [None], "DataWatch gone")
    watching.ChildrenWatch("/w", lambda names: children.append(sorted(names)))
    for name in ("x", "y"):
        writing.create("/w/" + name)
        eventually(lambda: children[-1:] and name in children[-1], "ChildrenWatch " + name)
    say(values, children[-1])
    watching.stop()
    writing.stop()


def recipes(hosts):
    clients = [started(hosts) for _ in range(3)]
    a, b, c = clients

    counter = [client.Counter("/counter") for client in clients]
    for one in counter:
        one += 2
    say("counter", a.Counter("/counter").value)

    order, lock_a, lock_b = [], a.Lock("/lock", "a"), b.Lock("/lock", "b")
    lock_a.acquire()
    waiter = threading.Thread(target=lambda: (lock_b.acquire(), order.append("b"), lock_b.release()))
    waiter.start()
    eventually(lambda: len(c.get_children("/lock")) == 2, "two contenders")
    say("contenders", c.Lock("/lock").contenders(), c.Lock("/lock").acquire(blocking=False))
    order.append("a")
    lock_a.release()
    waiter.join(PATIENCE_S)
    say("lock", order, c.get_children("/lock"))

    semaphore = [client.Semaphore("/semaphore", max_leases=2) for client in clients]
    say("semaphore", [one.acquire(blocking=False) for one in semaphore])
    semaphore[0].release()
    say("semaphore", semaphore[2].acquire(blocking=False), len(semaphore[1].lease_holders()))

    leaders, done = [], threading.Event()

    def lead(name):
        leaders.append(name)
        done.wait(PATIENCE_S)

    first = threading.Thread(target=a.Election("/election", "a").run, args=(lead, "a"))
    first.start()
    eventually(lambda: leaders == ["a"], "a leads")
    second = threading.Thread(target=b.Election("/election", "b").run, args=(lead, "b"))
    second.start()
    eventually(lambda: c.Election("/election").contenders() == ["a", "b"], "b waits")
    done.set()
    first.join(PATIENCE_S)
    second.join(PATIENCE_S)
    say("election", leaders)

    barrier = a.Barrier("/barrier")
    barrier.create()
    passed = threading.Thread(target=b.Barrier("/barrier").wait, args=(PATIENCE_S,))
    passed.start()
    say("barrier", barrier.remove())
    passed.join(PATIENCE_S)
    say("barrier", passed.is_alive())

    doubles = [DoubleBarrier(client, "/double", 3) for client in clients]
    entering = [threading.Thread(target=one.enter) for one in doubles]
    [one.start() for one in entering]
    [one.join(PATIENCE_S) for one in entering]
    leaving = [threading.Thread(target=one.leave) for one in doubles]
    [one.start() for one in leaving]
    [one.join(PATIENCE_S) for one in leaving]
    say("double barrier", [one.is_alive() for one in entering + leaving])

    queue = a.Queue("/queue")
    for value in (b"3", b"1", b"2"):
        queue.put(value)
    queue.put(b"urgent", priority=1)
    say("queue", len(queue), [b.Queue("/queue").get() for _ in range(5)])

    locking = a.LockingQueue("/locking")
    locking.put_all([b"x", b"y"])
    taken = b.LockingQueue("/locking")
    say("locking queue", taken.get(timeout=5), taken.holds_lock(), taken.consume(), len(locking))

    parties = [client.Party("/party", name) for client, name in zip(clients, "abc")]
    [party.join() for party in parties]
    say("party", sorted(parties[0]), len(parties[0]))
    parties[1].leave()
    say("party", sorted(parties[0]))

    partitioner = a.SetPartitioner("/partitioner", set=("p", "q"), time_boundary=0.2)
    partitioner.wait_for_acquire(PATIENCE_S)
    say("partitioner", partitioner.acquired, sorted(partitioner))
    partitioner.finish()
    for client in clients:
        client.stop()


def sessions(hosts):
    a = started(hosts, timeout=8.0)
    watcher = started(hosts)
    a.create("/member", b"", ephemeral=True)
    gone = threading.Event()
    watcher.exists("/member", watch=lambda event: gone.set() if event.type == EventType.DELETED else None)
    identity = a.client_id
    a.stop()
    say("gone with its session", gone.wait(PATIENCE_S), watcher.exists("/member"))
    again = KazooClient(hosts=hosts, client_id=identity)
    again.start(timeout=PATIENCE_S)
    say("a closed session is not found again", again.client_id[0] != identity[0])
    many = [started(hosts) for _ in range(20)]
    for number, client in enumerate(many):
        client.create("/many-%d" % number, b"", ephemeral=True)
    say(sum(name.startswith("many-") for name in watcher.get_children("/")))
    for client in many:
        client.stop()
    say(sum(name.startswith("many-") for name in watcher.get_children("/")))
    again.stop()
    watcher.stop()


def chroot(hosts):
    zk = started(hosts)
    zk.ensure_path("/root/inner")
    inside = KazooClient(hosts=hosts + "/root")
    inside.start(timeout=PATIENCE_S)
    say(inside.get_children("/"), inside.create("/inner/x", b"1"), zk.get("/root/inner/x")[0])
    say(inside.create("/inner/s-", sequence=True), attempt(inside.get, "/nothing"))
    inside.stop()
    zk.stop()


def random_operations(hosts, seed, count):
    """Many operations over few paths; what a caller sees of each, then nothing: the tree is compared outside."""
    dice = random.Random(int(seed))
    zk = started(hosts)
    zk.ensure_path("/r")
    names = ["/r/" + name for name in ("a", "b", "c", "a/x", "a/y", "b/x", "a/x/z")]
    for _ in range(int(count)):
        path = dice.choice(names)
        kind = dice.randrange(9)
        data = bytes(dice.choice("abcdef"), "ascii") * dice.randrange(1, 40)
        version = dice.choice([-1, -1, -1, 0, 1, 2])
        if kind <= 2:
            say(attempt(zk.create, path, data, ephemeral=dice.random() < 0.1, sequence=dice.random() < 0.2))
        elif kind <= 4:
            result = attempt(zk.set, path, data, version=version)
            say(result if isinstance(result, str) else shape(result))
        elif kind == 5:
            say(attempt(zk.delete, path, version=version, recursive=dice.random() < 0.3))
        elif kind == 6:
            result = attempt(zk.get, path)
            say(result if isinstance(result, str) else [result[0], shape(result[1])])
        elif kind == 7:
            acl = OPEN_ACL_UNSAFE + ([make_acl("ip", "10.0.0.1", read=True)] if dice.random() < 0.5 else [])
            result = attempt(zk.set_acls, path, acl, version=version)
            say(result if isinstance(result, str) else shape(result))
        else:
            batch = zk.transaction()
            batch.create(path + "-t", data)
            batch.set_data(dice.choice(names), data)
            batch.delete(path + "-t")
            say([shape(one) if hasattr(one, "czxid") else str(one) for one in batch.commit()])
    say("done", sys.stdin.readline().strip())
    zk.stop()


def forget(hosts, path):
    zk = started(hosts)
    zk.delete(path, recursive=True)
    zk.stop()


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


def survivor(hosts):
    """Lives through a restart: told on stdin when the server is gone and back."""
    zk = started(hosts, timeout=20.0, connection_retry={"max_tries": -1, "delay": 0.05, "max_delay": 0.5})
    states, seen = [], []
    zk.add_listener(lambda state: states.append(state))
    zk.create("/survivor", b"before", ephemeral=True)
    zk.create("/watched", b"1")
    zk.DataWatch("/watched", lambda data, stat: seen.append(data))
    identity = zk.client_id[0]
    say("ready")
    sys.stdin.readline()
    eventually(lambda: zk.state == KazooState.CONNECTED and len(states) >= 2, "connected again")
    say("same session", zk.client_id[0] == identity, zk.retry(zk.get, "/survivor")[0], states[-1])
    other = started(hosts)
    other.set("/watched", b"3")
    other.stop()
    eventually(lambda: seen[-1] == b"3", "the watch fires after the restart")
    say("watched", seen[0], seen[-1], zk.get("/watched")[0])
    zk.stop()


if __name__ == "__main__":
    globals()[sys.argv[2]](sys.argv[1], *sys.argv[3:])
