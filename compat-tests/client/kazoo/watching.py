"""Scenarios about events: watches, watch-order."""

import random

from kazoo.security import OPEN_ACL_UNSAFE, make_acl

from speech import Eyes, attempt, connect, eventually, finish, say, started

PATH = "/w/znode"


def watches(hosts):
    watching, writing = started(hosts), started(hosts)
    eyes = Eyes(watching)
    writing.create("/w", b"")
    for kind in WATCHES:
        for change in CHANGES:
            watch_and_change(watching, writing, eyes, kind, change)
    watches_on_what_is_absent(watching, writing, eyes)
    several_watches(hosts, watching, writing, eyes)
    decorated(watching, writing)
    finish(watching, writing)


WATCHES = {
    "exists": lambda client, watch: client.exists(PATH, watch=watch),
    "get": lambda client, watch: client.get(PATH, watch=watch),
    "get_children": lambda client, watch: client.get_children(PATH, watch=watch),
    "get_children2": lambda client, watch: client.get_children(PATH, watch=watch, include_data=True),
}

CHANGES = {
    "set": lambda client: client.set(PATH, b"new"),
    "set the same": lambda client: client.set(PATH, b"old"),
    "set refused": lambda client: attempt(client.set, PATH, b"new", version=9),
    "set_acls": lambda client: client.set_acls(PATH, OPEN_ACL_UNSAFE),
    "create child": lambda client: client.create(PATH + "/new"),
    "delete child": lambda client: client.delete(PATH + "/child"),
    "set child": lambda client: client.set(PATH + "/child", b"new"),
    "create grandchild": lambda client: client.create(PATH + "/child/deep"),
    "delete": lambda client: client.delete(PATH, recursive=True),
    "multi": lambda client: multi(
        client, ("set_data", PATH, b"1"), ("create", PATH + "/m", b""), ("set_data", PATH, b"2")
    ),
    "failed multi": lambda client: multi(client, ("set_data", PATH, b"1"), ("check", PATH, 99)),
    "multi delete": lambda client: multi(client, ("delete", PATH + "/child"), ("delete", PATH)),
    "multi replace": lambda client: multi(client, ("delete", PATH + "/child"), ("delete", PATH), ("create", PATH, b"")),
}


def multi(client, *parts):
    transaction = client.transaction()
    for method, *args in parts:
        getattr(transaction, method)(*args)
    return transaction.commit()


def watch_and_change(watching, writing, eyes, kind, change):
    """One watch, one change, and the same change again: what was seen after each."""
    fresh(writing)
    say(kind, change, WATCHES[kind](watching, eyes.watch(kind)))
    say(attempt(CHANGES[change], writing))
    eyes.tell("seen")
    fresh(writing)
    attempt(CHANGES[change], writing)
    eyes.tell("seen in all")


def fresh(client):
    """The znode with one child, as before any change; a watch that was left behind sees this, too."""
    if client.exists(PATH):
        client.delete(PATH, recursive=True)
    client.create(PATH, b"old")
    client.create(PATH + "/child", b"")


def watches_on_what_is_absent(watching, writing, eyes):
    for number, make in enumerate(
        (
            lambda path: writing.create(path, b""),
            lambda path: writing.create(path, b"", ephemeral=True),
            lambda path: multi(writing, ("create", path, b"")),
            lambda path: multi(writing, ("create", path, b""), ("delete", path)),
        )
    ):
        path = "/absent-%d" % number
        say("exists", watching.exists(path, watch=eyes.watch("exists")))
        say("get", attempt(watching.get, path, watch=eyes.watch("get")))
        say("get_children", attempt(watching.get_children, path, watch=eyes.watch("get_children")))
        say(make(path))
        eyes.tell("created")
        say(attempt(writing.delete, path))
        eyes.tell("deleted")


def several_watches(hosts, watching, writing, eyes):
    """Two watches of one client, the same one twice, watches of two clients."""
    fresh(writing)
    other = started(hosts)
    other_eyes = Eyes(other)
    first, second = eyes.watch("first"), eyes.watch("second")
    for watch in (first, first, second):
        watching.get(PATH, watch=watch)
        watching.exists(PATH, watch=watch)
        watching.get_children(PATH, watch=watch)
    other.get(PATH, watch=other_eyes.watch("other"))
    other.get_children("/w", watch=other_eyes.watch("other, children of the parent"))
    writing.set(PATH, b"1")
    eyes.tell_sorted("after set")
    other_eyes.tell_sorted("after set")
    writing.create(PATH + "/new")
    eyes.tell_sorted("after create")
    for one in (watching, other):
        one.exists(PATH + "/new", watch=(eyes if one is watching else other_eyes).watch("exists"))
    writing.delete(PATH, recursive=True)
    eyes.tell_sorted("after delete")
    other_eyes.tell_sorted("after delete")
    watching.exists("/w/own", watch=eyes.watch("own"))
    watching.create("/w/own", b"")
    eyes.tell_sorted("a client sees its own changes")
    other.exists("/w/own", watch=other_eyes.watch("left behind"))
    other.stop()
    say("seen at the end of the session", tuple(other_eyes.seen))
    writing.delete("/w/own")


def decorated(watching, writing):
    """kazoo's own watches, which set themselves again and again."""
    values, children = [], []
    watching.DataWatch("/dw", lambda data, stat, event: values.append((data, stat, event)))
    eventually(lambda: len(values) == 1, "DataWatch of what is absent")
    steps = (
        lambda: writing.create("/dw", b"a"),
        lambda: writing.set("/dw", b"b"),
        lambda: writing.set("/dw", b"b"),
        lambda: writing.delete("/dw"),
        lambda: writing.create("/dw", b"c"),
    )
    for number, step in enumerate(steps):
        step()
        eventually(lambda: len(values) == number + 2, "DataWatch, step %d" % number)
    say("DataWatch", tuple(values))
    writing.create("/cw")
    watching.ChildrenWatch("/cw", lambda names, event: children.append((sorted(names), event)), send_event=True)
    for number, name in enumerate(("x", "y", "z")):
        writing.create("/cw/" + name)
        eventually(lambda: len(children) == number + 2, "ChildrenWatch " + name)
    writing.delete("/cw/y")
    eventually(lambda: len(children) == 5, "ChildrenWatch of a delete")
    say("ChildrenWatch", tuple(children))


def watch_order(hosts):
    watching, writing = started(hosts), started(hosts)
    events_before_replies(watching, writing)
    many_changes(watching, writing)
    events_of_a_multi(watching, writing)
    events_of_a_session(hosts, watching)
    finish(watching, writing)


def events_before_replies(watching, writing):
    """No read may show a change before the event of the change has come."""
    eyes = Eyes(watching)
    writing.create("/order", b"0")
    early = []
    for number in range(1, 61):
        new = b"%d" % number
        watching.get("/order", watch=eyes.watch("data"))
        pending = writing.set_async("/order", new)
        while watching.get("/order")[0] != new:
            pass
        eyes.mark("reply")
        early.append([one[0] for one in eyes.seen] == ["data", "reply"])
        eyes.seen.clear()
        pending.get()
    say("data: event before reply", early.count(True), "of", len(early))
    early.clear()
    for number in range(60):
        watching.get_children("/order", watch=eyes.watch("children"))
        pending = writing.create_async("/order/c%02d" % number, b"")
        while len(watching.get_children("/order")) == number:
            pass
        eyes.mark("reply")
        early.append([one[0] for one in eyes.seen] == ["children", "reply"])
        eyes.seen.clear()
        pending.get()
    say("children: event before reply", early.count(True), "of", len(early))


def many_changes(watching, writing):
    """Events come in the order of the changes, whatever the order of the watches."""
    eyes = Eyes(watching)
    names = ["/many/%02d" % number for number in range(50)]
    writing.create("/many", b"")
    for name in names:
        writing.create(name, b"")
    order = list(names)
    random.Random(3).shuffle(order)
    for name in names:
        watching.get(name, watch=eyes.watch("data"))
        watching.exists(name + "x", watch=eyes.watch("absent"))
    results = []
    for number, name in enumerate(order):
        results.append(writing.set_async(name, b"") if number % 3 else writing.delete_async(name))
        results.append(writing.create_async(name + "x", b""))
    for result in results:
        result.get()
    seen = eyes.taken()
    for start in range(0, len(seen), 10):
        say("events", tuple(seen[start : start + 10]))


def events_of_a_multi(watching, writing):
    eyes = Eyes(watching)
    writing.create("/batch", b"")
    for name in ("a", "b", "c"):
        writing.create("/batch/" + name, b"")
        watching.get("/batch/" + name, watch=eyes.watch("get"))
        watching.get_children("/batch/" + name, watch=eyes.watch("children"))
    watching.get_children("/batch", watch=eyes.watch("children"))
    watching.exists("/batch/new", watch=eyes.watch("exists"))
    results = multi(
        writing,
        ("set_data", "/batch/c", b"1"),
        ("create", "/batch/a/child", b""),
        ("delete", "/batch/b"),
        ("create", "/batch/new", b""),
        ("set_data", "/batch/a", b"1"),
        ("delete", "/batch/c"),
        ("create", "/batch/b", b"again"),
    )
    say("results", tuple(results))
    eyes.tell("events of a multi")


def events_of_a_session(hosts, watching):
    """A session's ephemerals go together; each has its event, and their parent has one."""
    eyes = Eyes(watching)
    passing = connect(hosts, "passing")
    watching.create("/stay", b"", acl=OPEN_ACL_UNSAFE + [make_acl("ip", "10.0.0.1", read=True)])
    for number in range(8):
        passing.create("/stay/e%d" % number, b"", ephemeral=True)
        watching.exists("/stay/e%d" % number, watch=eyes.watch("exists"))
    watching.get_children("/stay", watch=eyes.watch("children"))
    passing.client.stop()
    eyes.tell_sorted("events of a session's end")
    say(watching.exists("/stay"), watching.get_children("/stay"))
