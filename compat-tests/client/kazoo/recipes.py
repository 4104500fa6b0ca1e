"""The scenario of kazoo's own recipes: locks, elections, barriers, queues, counters, parties, leases, caches."""

import datetime
import threading

from kazoo.exceptions import ConnectionLoss, KazooException
from kazoo.recipe.barrier import DoubleBarrier
from kazoo.recipe.cache import TreeCache, TreeEvent

from speech import PATIENCE_S, attempt, eventually, finish, say, started


def recipes(hosts):
    clients = [started(hosts) for _ in range(3)]
    for part in (
        counters,
        locks,
        shared_locks,
        semaphores,
        elections,
        barriers,
        double_barriers,
        queues,
        locking_queues,
        parties,
        partitioners,
        leases,
        tree_cache,
        retries,
    ):
        part(*clients)
        tell_tree(clients[2], "/" + part.__name__)
    finish(*clients)


def tell_tree(client, path):
    """What a recipe leaves behind; names with random parts are counted only."""
    if client.exists(path) is None:
        say("left", path, None)
        return
    names = client.get_children(path)
    say("left", path, len(names), client.exists(path))


def names_of(client, path):
    return sorted(client.get_children(path)) if client.exists(path) else []


def in_thread(call, *args):
    thread = threading.Thread(target=call, args=args, daemon=True)
    thread.start()
    return thread


def joined(threads):
    for thread in threads:
        thread.join(PATIENCE_S)
    return [not thread.is_alive() for thread in threads]


def counters(a, b, c):
    each = [client.Counter("/counters") for client in (a, b, c)]
    for number, one in enumerate(each):
        one += number + 2
    each[0] -= 1
    say("counter", [one.value for one in each], [(one.pre_value, one.post_value) for one in each])
    threads = [in_thread(lambda one=one: [one.__add__(1) for _ in range(20)]) for one in each]
    say(joined(threads), a.Counter("/counters").value, a.get("/counters")[0])
    floating = a.Counter("/counters/float", default=1.5)
    floating += 2.25
    say("float", floating.value, a.get("/counters/float"))
    say("not a number", attempt(lambda: a.Counter("/counters/float", default="x").value))


def locks(a, b, c):
    order, lock_a, lock_b = [], a.Lock("/locks", "a"), b.Lock("/locks", "b")
    say("acquired", lock_a.acquire(), lock_a.is_acquired, attempt(lambda: a.Lock("/locks", "a2").acquire(timeout=0.3)))
    waiter = in_thread(lambda: (lock_b.acquire(), order.append("b"), lock_b.release()))
    eventually(lambda: len(names_of(c, "/locks")) == 2, "two contenders")
    say("contenders", tuple(c.Lock("/locks").contenders()), c.Lock("/locks").acquire(blocking=False))
    order.append("a")
    say("released", lock_a.release(), lock_a.is_acquired)
    say(joined([waiter]), tuple(order), c.get_children("/locks"))
    with c.Lock("/locks", "c"):
        say("within", tuple(a.Lock("/locks").contenders()), b.Lock("/locks").acquire(blocking=False))
    cancelled = b.Lock("/locks", "b")
    with a.Lock("/locks", "a"):
        waiter = in_thread(lambda: order.append(attempt(cancelled.acquire)))
        eventually(lambda: len(names_of(c, "/locks")) == 2, "a waiter")
        cancelled.cancel()
        say("cancelled", joined([waiter]), order[-1])
    counted, holders, most = [], [], []

    def contend(client, name):
        for _ in range(5):
            with client.Lock("/locks", name):
                holders.append(name)
                most.append(len(holders))
                counted.append(name)
                holders.remove(name)

    say(
        joined([in_thread(contend, client, name) for client, name in zip((a, b, c), "abc")]), sorted(counted), max(most)
    )


def shared_locks(a, b, c):
    readers = [a.ReadLock("/shared_locks", "a"), b.ReadLock("/shared_locks", "b")]
    writer, order = c.WriteLock("/shared_locks", "c"), []
    say("readers", [one.acquire(timeout=PATIENCE_S) for one in readers])
    say("writer", c.WriteLock("/shared_locks", "c").acquire(blocking=False))
    waiting = in_thread(lambda: (writer.acquire(), order.append("written")))
    eventually(lambda: len(a.get_children("/shared_locks")) == 3, "the writer waits")
    say("a reader behind a writer", a.ReadLock("/shared_locks", "late").acquire(blocking=False))
    say("released", [one.release() for one in readers], joined([waiting]), order)
    say("a reader", a.ReadLock("/shared_locks").acquire(blocking=False), writer.release())


def semaphores(a, b, c):
    each = [client.Semaphore("/semaphores", name, max_leases=2) for client, name in zip((a, b, c), "abc")]
    say("leases", [one.acquire(blocking=False) for one in each], each[0].lease_holders())
    say("timeout", attempt(each[2].acquire, timeout=0.3))
    waiting = in_thread(each[2].acquire)
    each[0].release()
    say("released", joined([waiting]), sorted(each[1].lease_holders()), a.get("/semaphores"))
    say("another number", attempt(lambda: a.Semaphore("/semaphores", "d", max_leases=3).acquire(timeout=0.3)))
    for one in each[1:]:
        one.release()


def elections(a, b, c):
    leaders, done = [], threading.Event()

    def lead(name):
        leaders.append(name)
        done.wait(PATIENCE_S)

    threads = [in_thread(a.Election("/elections", "a").run, lead, "a")]
    eventually(lambda: leaders == ["a"], "a leads")
    threads.append(in_thread(b.Election("/elections", "b").run, lead, "b"))
    eventually(lambda: tuple(c.Election("/elections").contenders()) == ("a", "b"), "b waits")
    say("contenders", tuple(c.Election("/elections").contenders()))
    done.set()
    say(joined(threads), tuple(leaders))


def barriers(a, b, c):
    barrier = a.Barrier("/barriers")
    say("open", c.Barrier("/barriers").wait(1), barrier.create(), c.Barrier("/barriers").wait(0.2))
    passing = [in_thread(client.Barrier("/barriers").wait, PATIENCE_S) for client in (b, c)]
    say("removed", barrier.remove(), barrier.remove(), joined(passing))


def double_barriers(a, b, c):
    doubles = [DoubleBarrier(client, "/double_barriers", 3, name) for client, name in zip((a, b, c), "abc")]
    first = [in_thread(one.enter) for one in doubles[:2]]
    eventually(lambda: len(names_of(c, "/double_barriers")) == 2, "two wait")
    say("two wait", [thread.is_alive() for thread in first])
    say("entered", joined(first + [in_thread(doubles[2].enter)]), len(c.get_children("/double_barriers")))
    say("left", joined([in_thread(one.leave) for one in doubles]), c.get_children("/double_barriers"))


def queues(a, b, c):
    queue = a.Queue("/queues")
    for value in (b"3", b"1", b"2"):
        queue.put(value)
    queue.put(b"urgent", priority=1)
    queue.put(b"idle", priority=900)
    say("queue", len(queue), c.get_children("/queues"))
    say([b.Queue("/queues").get() for _ in range(6)], len(queue))


def locking_queues(a, b, c):
    queue = a.LockingQueue("/locking_queues")
    queue.put_all([b"x", b"y"])
    queue.put(b"first", priority=1)
    taken, other = b.LockingQueue("/locking_queues"), c.LockingQueue("/locking_queues")
    say("taken", taken.get(timeout=5), taken.holds_lock(), other.get(timeout=5), len(queue))
    say("given back", other.release(), other.holds_lock(), other.get(timeout=5))
    say("consumed", taken.consume(), other.consume(), len(queue), taken.consume())
    say("the last", taken.get(timeout=5), taken.consume(), taken.get(timeout=0.2), len(queue))


def parties(a, b, c):
    each = [client.Party("/parties", name) for client, name in zip((a, b, c), "abc")]
    for party in each:
        party.join()
    say("party", sorted(each[0]), len(each[0]), each[1].participating)
    each[1].leave()
    say("party", sorted(each[0]), len(each[2]), each[1].participating)
    shallow = [client.ShallowParty("/parties/shallow", name) for client, name in zip((a, b), "ab")]
    for party in shallow:
        party.join()
    say("shallow", sorted(shallow[0]), len(shallow[1]))


def partitioners(a, b, c):
    """One takes all; a second comes, both let go, and they share."""
    things = ("p", "q", "r", "s")
    one = a.SetPartitioner("/partitioners", set=things, time_boundary=0.2, identifier="a")
    one.wait_for_acquire(PATIENCE_S)
    say("alone", one.acquired, sorted(one))
    two = b.SetPartitioner("/partitioners", set=things, time_boundary=0.2, identifier="b")
    eventually(lambda: step(one) and step(two), "both have acquired")
    say("shared", sorted(one), sorted(two))
    for each in (one, two):
        each.finish()
    say("finished", one.state, two.state)


def step(partitioner):
    if partitioner.release:
        partitioner.release_set()
    elif partitioner.allocating:
        partitioner.wait_for_acquire(0.1)
    return partitioner.acquired and len(list(partitioner)) == 2


def leases(a, b, c):
    hour = datetime.timedelta(hours=1)
    obtained = [bool(client.NonBlockingLease("/leases", hour, name)) for client, name in ((a, "a"), (b, "b"), (a, "a"))]
    say("lease", obtained)
    many = [
        bool(client.MultiNonBlockingLease(2, "/leases/multi", hour, name))
        for client, name in ((a, "a"), (b, "b"), (c, "c"))
    ]
    say("of two", many)


def tree_cache(a, b, c):
    events = []
    cache = TreeCache(a, "/tree_cache")
    b.ensure_path("/tree_cache/before")
    cache.listen(lambda event: events.append((event.event_type, event.event_data.path if event.event_data else None)))
    cache.start()
    eventually(lambda: (TreeEvent.INITIALIZED, None) in events, "initialized")
    known = len(events)
    for number, change in enumerate(
        (
            lambda: b.create("/tree_cache/a", b"1"),
            lambda: b.create("/tree_cache/a/b", b"2"),
            lambda: b.set("/tree_cache/a", b"3"),
            lambda: b.delete("/tree_cache/a/b"),
        )
    ):
        change()
        eventually(lambda: len(events) == known + number + 1, "change %d" % number)
    say("events", sorted("%s %s" % event for event in events[:known]), tuple(events[known:]))
    say(
        "children",
        sorted(cache.get_children("/tree_cache")),
        cache.get_data("/tree_cache/a").data,
        cache.get_data("/tree_cache/a").stat,
    )
    cache.close()


def retries(a, b, c):
    calls = []

    def unlucky():
        calls.append(1)
        if len(calls) < 3:
            raise ConnectionLoss()
        return a.create("/retries", b"")

    say("retried", attempt(a.retry, unlucky), len(calls))
    say(
        "not retried", attempt(b.retry, b.create, "/retries"), isinstance(attempt(b.create, "/retries"), KazooException)
    )
