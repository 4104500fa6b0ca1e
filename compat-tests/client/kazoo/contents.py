"""Scenarios about what a tree can hold: chroot, quotas, large-data, unicode, many-children."""

import hashlib

from kazoo import exceptions
from kazoo.client import KazooState

from speech import PATIENCE_S, Eyes, States, attempt, connect, eventually, finish, say, started


def chroot(hosts):
    outside = connect(hosts, "outside")
    outside.ensure_path("/root/inner")
    inside = connect(hosts + "/root", "inside")
    eyes = Eyes(inside.client)
    say("chroot", inside.client.chroot)
    inside.get_children("/")
    inside.create("/inner/x", b"1")
    outside.get("/root/inner/x")
    inside.get("/inner/x")
    inside.create("/inner/s-", b"", sequence=True)
    inside.create("/inner/", b"", sequence=True, ephemeral=True)
    inside.create("/inner/stat", b"", include_data=True)
    inside.get("/nothing")
    inside.get("/root")
    inside.exists("/")
    inside.set("/", b"of the chroot")
    outside.get("/root")
    inside.get_acls("/")
    inside.sync("/inner")
    inside.commit(
        ("create", "/inner/m", b""),
        ("set_data", "/inner/x", b"2"),
        ("create", "/inner/m/n", b""),
        ("check", "/inner", -1),
    )
    inside.commit(("create", "/inner/m2", b""), ("delete", "/nothing"))
    inside.exists("/w", watch=eyes.watch("exists"))
    inside.get("/inner/x", watch=eyes.watch("get"))
    inside.get_children("/", watch=eyes.watch("children of the chroot"))
    inside.get_children("/inner", watch=eyes.watch("children"))
    outside.create("/root/w", b"")
    outside.set("/root/inner/x", b"3")
    outside.create("/root/inner/new", b"")
    eyes.tell("events have paths within the chroot")
    inside.delete("/inner", recursive=True)
    outside.get_children("/root", include_data=True)
    without_its_root(hosts, outside)
    deep = connect(hosts + "/root/a/b", "deep")
    deep.ensure_path("/c")
    outside.get_children("/root/a/b")
    inside.delete("/")
    finish(inside, deep, outside)


def without_its_root(hosts, outside):
    lost = connect(hosts + "/not-there", "lost")
    lost.create("/x", b"")
    lost.exists("/")
    lost.get_children("/")
    lost.sync("/")
    lost.commit(("create", "/x", b""))
    lost.create("/x/y", b"", makepath=True)
    outside.get_children("/not-there")
    finish(lost)


QUOTA = "/zookeeper/quota"


def set_quota(a, path, limits):
    """As `zkCli setquota` does it."""
    a.ensure_path(QUOTA + path)
    a.create(QUOTA + path + "/zookeeper_limits", limits)
    a.create(QUOTA + path + "/zookeeper_stats", b"count=0,bytes=0")
    show_quota(a, path)


def show_quota(a, path):
    a.get(QUOTA + path + "/zookeeper_limits")
    a.get(QUOTA + path + "/zookeeper_stats")


def quotas(hosts):
    a = connect(hosts, "a")
    a.create("/soft", b"12345")
    a.create("/soft/child", b"678")
    set_quota(a, "/soft", b"count=3,bytes=20")
    use(a, "/soft")
    a.create("/hard", b"12345")
    set_quota(a, "/hard", b"count=-1,bytes=-1=;byteHardLimit=40;countHardLimit=4")
    a.create("/hard/a", b"678")
    a.create("/hard/b", b"x" * 32)
    a.set("/hard/a", b"")
    show_quota(a, "/hard")
    below_another(a)
    changed_and_removed(a)
    refusals(hosts, a)
    if a.client.state == KazooState.CONNECTED:
        a.get_children("/hard", include_data=True)
    finish(a)


def use(a, path):
    """Changes of every kind, beyond a soft limit as well."""
    a.create(path + "/b", b"90")
    a.set(path + "/b", b"longer than before")
    a.set(path + "/b", b"")
    a.create(path + "/b/deep", b"x")
    a.create(path + "/c", b"x" * 50)
    a.create(path + "/d", b"", ephemeral=True)
    a.create(path + "/s-", b"12", sequence=True)
    show_quota(a, path)
    a.commit(
        ("create", path + "/m1", b"1"),
        ("create", path + "/m2", b"zz"),
        ("set_data", path + "/b", b"bb"),
        ("delete", path + "/c"),
    )
    a.commit(("create", path + "/m3", b"1"), ("check", path, 99))
    show_quota(a, path)
    a.create(path + "neighbour", b"not below it")
    a.delete(path + "/b/deep")
    a.set(path, b"its own data counts")
    show_quota(a, path)


def below_another(a):
    """A quota can be set neither below nor above another, by zkCli's own rule; the server counts for the nearest."""
    a.create("/soft/inner", b"i")
    set_quota(a, "/soft/inner", b"count=10,bytes=100")
    a.create("/soft/inner/x", b"xyz")
    for path in ("/soft", "/soft/inner"):
        show_quota(a, path)


def changed_and_removed(a):
    a.set(QUOTA + "/soft/zookeeper_limits", b"count=1,bytes=1")
    a.create("/soft/late", b"late")
    show_quota(a, "/soft")
    a.delete(QUOTA + "/soft/inner", recursive=True)
    a.create("/soft/inner/y", b"counts for the outer one now")
    show_quota(a, "/soft")
    a.delete(QUOTA + "/soft/zookeeper_limits")
    a.delete(QUOTA + "/soft/zookeeper_stats")
    a.create("/soft/later", b"counts no more")
    show_quota(a, "/soft")
    a.get_children(QUOTA)


def refusals(hosts, a):
    """Beyond a hard limit. Before 2.9, kazoo does not know this error and its client ends: nobody gets an answer."""
    refused = [
        lambda one: one.set("/hard/b", b"y" * 33),
        lambda one: one.create("/hard/c", b"x" * 20),
        lambda one: one.create("/hard/d", b""),
        lambda one: one.create("/hard/e", b""),
        lambda one: one.set("/hard", b"", version=99),
        lambda one: one.set("/hard", b"z" * 60, version=99),
        lambda one: one.commit(("set_data", "/hard/a", b""), ("create", "/hard/m", b"too many")),
    ]
    if hasattr(exceptions, "QuotaExceededError"):
        for call in refused:
            call(a)
        show_quota(a, "/hard")
        return
    loser = started(hosts)
    states = States(loser)
    loser.set_async("/hard/b", b"y" * 60)
    states.wait_for(KazooState.LOST)
    say("unanswered", loser.state, loser.connected)
    a.get("/hard/b")


def large_data(hosts):
    a = connect(hosts, "a")
    states = States(a.client)
    a.create("/ephemeral", b"", ephemeral=True)
    megabyte = bytes(range(250)) * 4000
    a.create("/large", megabyte)
    a.get("/large")
    a.set("/large", megabyte[::-1])
    a.get("/large")
    a.create("/nearly", b"n" * 1_048_000)
    a.get("/nearly")
    for size in (1_048_576, 1_100_000, 1_500_000):
        a.create("/too-large", b"t" * size)
        states.wait_for(KazooState.SUSPENDED, KazooState.CONNECTED)
        a.exists("/too-large")
    a.set("/nearly", b"t" * 1_100_000)
    states.wait_for(KazooState.SUSPENDED, KazooState.CONNECTED)
    a.exists("/nearly")
    a.exists("/ephemeral")
    large_multi(a, states)
    long_paths(a)
    deep_paths(a)
    other = connect(hosts, "other")
    other.get("/large")
    finish(a, other)


def large_multi(a, states):
    a.create("/multi", b"")
    parts = [("create", "/multi/%03d" % number, b"%d" % number * 1000) for number in range(300)]
    say("results", attempt(lambda: tuple(committed(a, parts))))
    a.get_children("/multi", include_data=True)
    a.get("/multi/299")
    say(
        "too large",
        attempt(committed, a, [("create", "/multi/x%03d" % number, b"x" * 10_000) for number in range(300)]),
    )
    states.wait_for(KazooState.SUSPENDED, KazooState.CONNECTED)
    a.exists("/multi")


def committed(a, parts):
    transaction = a.client.transaction()
    for method, *args in parts:
        getattr(transaction, method)(*args)
    return transaction.commit()


def long_paths(a):
    for length in (1000, 50_000, 500_000):
        path = "/" + "p" * length
        a.create(path, b"data of a long path")
        a.get(path)
        a.create(path + "/child", b"")
        a.get_children(path, include_data=True)
        a.create(path + "/s-", b"", sequence=True)
        a.delete(path, recursive=True)
        a.exists(path)


def deep_paths(a):
    path = "/d" * 500
    a.ensure_path(path)
    a.exists(path)
    a.delete("/d", recursive=True)
    a.get_children("/")


def unicode(hosts):
    a = connect(hosts, "a")
    eyes = Eyes(a.client)
    texts = {
        "latin": "grüße-façade",
        "greek": "Ζωολογία",
        "cyrillic": "зоопарк",
        "hebrew": "גן-חיות",
        "arabic": "حديقة",
        "chinese": "动物园",
        "japanese": "どうぶつえん",
        "korean": "동물원",
        "thai": "สวนสัตว์",
        "combining": "cafe\u0301",
        "composed": "caf\u00e9",
        "spaces": "a b\u00a0c\u3000d",
        "zero width": "a\u200bb\u200dc",
        "byte order mark": "\ufeffx",
        "last of the plane": "\uffef",
    }
    a.create("/u", b"")
    for what, text in texts.items():
        path = "/u/" + text
        say(what)
        a.exists(path, watch=eyes.watch(what))
        a.create(path, text.encode())
        a.get(path)
        a.set(path, text[::-1].encode())
        a.create(path + "/" + text + "-", text.encode("utf-16"), sequence=True)
        a.get_children(path, include_data=True)
        a.sync(path)
        eyes.tell("seen")
    a.get_children("/u", include_data=True)
    a.commit(("create", "/u/多", "多".encode()), ("set_data", "/u/зоопарк", "多".encode()), ("delete", "/u/多"))
    refused_characters(a)
    for data in ("😀 🐘".encode(), b"\xff\xfe\x00", b"\xed\xa0\xbd", "\u0000".encode()):
        a.set("/u", data)
        a.get("/u")
    a.get_children("/u")
    finish(a)


def refused_characters(a):
    for character in (
        "\0",
        "\x01",
        "\x1f",
        "\x7f",
        "\x9f",
        "\ue000",
        "\uf8ff",
        "\ufff0",
        "\uffff",
        "😀",
        "𝒵",
        "\x20",
        "\xa0",
    ):
        path = "/u/x%sy" % character
        a.create(path, b"")
        a.exists(path)
        a.create("/u/x%s-" % character, b"", sequence=True)
        a.commit(("create", path + "m", b""))


COUNT = 10_000


def many_children(hosts):
    a, watching = connect(hosts, "a"), started(hosts)
    eyes = Eyes(watching)
    a.create("/many", b"")
    watching.get_children("/many", watch=eyes.watch("first child"))
    names = ["child-%05d" % number for number in range(COUNT)]
    pipelined(a.client, lambda number: a.client.create_async("/many/" + names[number], b"%d" % number))
    eyes.tell("one event")
    summary(a)
    say("names", sorted(a.client.get_children("/many")) == names)
    for number in (0, 4_999, 9_999):
        a.get("/many/" + names[number])
    watching.get_children("/many", watch=eyes.watch("delete"))
    watching.exists("/many/" + names[77], watch=eyes.watch("one of them"))
    pipelined(a.client, lambda number: a.client.delete_async("/many/" + names[number]), COUNT // 2)
    eyes.tell("two events")
    summary(a)
    a.create("/many/s-", b"", sequence=True)
    pipelined(a.client, lambda number: a.client.create_async("/many/q-", b"", sequence=True), 1000)
    summary(a)
    a.delete("/many")
    children = a.client.get_children("/many")
    pipelined(a.client, lambda number: a.client.delete_async("/many/" + children[number]), len(children))
    summary(a)
    a.delete("/many")
    finish(a, watching)


def summary(a):
    names, stat = a.client.get_children("/many", include_data=True)
    text = "\n".join(sorted(names)).encode()
    say(
        "children",
        len(names),
        hashlib.sha256(text).hexdigest(),
        min(names, default=None),
        max(names, default=None),
        stat,
    )


def pipelined(client, call, count=COUNT):
    """Makes `count` requests, a thousand of them on their way at a time."""
    pending = []
    for number in range(count):
        pending.append(call(number))
        if len(pending) >= 1000:
            [one.get(timeout=PATIENCE_S) for one in pending[:500]]
            del pending[:500]
    [one.get(timeout=PATIENCE_S) for one in pending]
    eventually(lambda: all(one.successful() for one in pending), "all successful")
