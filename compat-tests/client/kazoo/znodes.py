"""Scenarios about single znodes and their changes: crud, create-modes, multi."""

from kazoo.security import ACL, Id, make_digest_acl

from speech import connect, finish, say


def crud(hosts):
    a = connect(hosts, "a")
    creating_and_reading(a)
    changing(a)
    deleting(a)
    bad_paths(a)
    many_versions(a)
    shortcuts(a)
    facts_of_the_server(a)
    finish(a)


def creating_and_reading(a):
    a.create("/crud", b"first")
    a.exists("/crud")
    a.get("/crud")
    a.get_children("/crud")
    a.get_children("/crud", include_data=True)
    a.get_acls("/crud")
    a.create("/crud", b"again")
    a.create("/crud/no/parent", b"")
    for name, data in (("empty", b""), ("null", None), ("zeros", b"\0\0\0"), ("bytes", bytes(range(256)))):
        a.create("/crud/" + name, data, include_data=True)
        a.get("/crud/" + name)
        a.exists("/crud")
    for read in (a.exists, a.get, a.get_children, a.get_acls, a.sync):
        read("/absent")
        read("/crud/absent/deeper")
        read("/")
        read("/zookeeper")
    a.get_children("/", include_data=True)
    a.sync("/crud")


def changing(a):
    a.set("/crud", b"second")
    a.set("/crud", b"third", version=1)
    a.set("/crud", b"stale", version=1)
    a.set("/crud", b"far ahead", version=2147483647)
    a.set("/crud", b"negative", version=-2)
    a.set("/crud", b"")
    a.get("/crud")
    a.set("/crud", None)
    a.get("/crud")
    a.set("/absent", b"nobody")
    a.set("/", b"of the root")
    a.get("/")
    a.set("/zookeeper", b"of its own")
    a.exists("/zookeeper")


def deleting(a):
    a.delete("/crud")
    a.delete("/crud/empty", version=3)
    a.delete("/crud/empty", version=0)
    a.exists("/crud")
    a.delete("/crud/empty")
    a.delete("/absent/child")
    a.delete("/")
    a.delete("/zookeeper")
    a.delete("/zookeeper/quota")
    a.delete("/zookeeper/config")
    a.create("/crud/passing", b"", ephemeral=True)
    a.create("/crud/passing/child", b"")
    a.delete("/crud/passing")
    a.exists("/crud")


def bad_paths(a):
    for path in (
        "",
        "/",
        "relative",
        "/crud/",
        "/crud//twice",
        "/./dot",
        "/crud/..",
        "/...",
        "/crud/\0",
        "/crud/\x01",
        "/a\nb",
    ):
        a.create(path, b"")
        a.exists(path)
        a.get(path)
        a.set(path, b"")
        a.delete(path)


def many_versions(a):
    """A version goes up with each set, by whatever number it is asked for."""
    a.create("/crud/versions", b"")
    for version in range(12):
        a.set("/crud/versions", b"%d" % version, version=version)
        a.set("/crud/versions", b"too late", version=version)
    a.delete("/crud/versions", version=11)
    a.delete("/crud/versions", version=12)
    a.create("/crud/versions", b"starts anew")
    a.exists("/crud/versions")


def shortcuts(a):
    a.ensure_path("/crud/with/many/parents")
    a.ensure_path("/crud/with/many/parents")
    a.create("/crud/made/on/the/way", b"deep", makepath=True)
    a.get("/crud/made/on/the/way")
    a.delete("/crud", recursive=True)
    a.exists("/crud")
    a.get_children("/")


def facts_of_the_server(a):
    a.server_version()
    a.command(b"ruok")
    a.command(b"isro")
    lines = a.client.command(b"srvr").splitlines()
    say("srvr", tuple(line for line in lines if line.startswith(("Mode", "Node count", "Zxid"))))


def create_modes(hosts):
    a, b = connect(hosts, "a"), connect(hosts, "b")
    a.create("/modes", b"")
    modes = [dict(ephemeral=ephemeral, sequence=sequence) for ephemeral in (False, True) for sequence in (False, True)]
    for number, mode in enumerate(modes):
        path = a.create("/modes/m%d-" % number, b"1", **mode)
        a.exists(path)
        a.create("/modes/n%d-" % number, b"22", include_data=True, **mode)
        a.create(path + "/child", b"")
        a.get_children(path, include_data=True)
        a.exists("/modes")
    counters(a)
    of_two_sessions(a, b)
    a.exists("/modes")
    finish(b)
    a.get_children("/modes", include_data=True)
    a.get_children("/two", include_data=True)
    finish(a)


def counters(a):
    """The number of a sequential znode counts the changes of its parent's children, deletes included."""
    a.create("/counters", b"")
    first = a.create("/counters/s-", b"", sequence=True)
    a.delete(first)
    a.create("/counters/s-", b"", sequence=True)
    a.create("/counters/plain", b"")
    a.create("/counters/s-", b"", sequence=True)
    a.set("/counters", b"a change of data does not count")
    a.create("/counters/other-", b"", sequence=True, ephemeral=True)
    a.create("/counters/absent/s-", b"", sequence=True)
    a.create("/counters/s-", b"", sequence=True)
    a.create("/counters/", b"an empty name", sequence=True)
    a.create("/counters/", b"an empty name", sequence=True, ephemeral=True)
    a.create("/counters/s-0000000009", b"in the way of a later number")
    for _ in range(3):
        a.create("/counters/s-", b"", sequence=True)
    a.create("/root-", b"", sequence=True)
    a.create("/root-", b"", sequence=True)
    a.create("/", b"", sequence=True)
    a.get_children("/counters", include_data=True)
    a.get_children("/")


def of_two_sessions(a, b):
    a.create("/two", b"")
    for one in (a, b):
        one.create("/two/of-" + one.name, one.name.encode(), ephemeral=True)
        one.create("/two/both", b"", ephemeral=True)
    a.exists("/two/of-b")
    b.exists("/two/of-a")
    b.delete("/two/of-a")
    b.create("/two/of-a", b"now of the other", ephemeral=True)
    a.exists("/two/of-a")
    a.set("/two/of-b", b"changed by a")
    b.get("/two/of-b")
    for one in (a, b):
        for _ in range(2):
            one.create("/two/q-", one.name.encode(), ephemeral=True, sequence=True)
    a.get_children("/two", include_data=True)


def multi(hosts):
    a, stranger = connect(hosts, "a"), connect(hosts, "stranger")
    a.create("/multi", b"0")
    every_kind(a)
    parts_that_build_on_each_other(a)
    failures_in_each_place(a, stranger)
    a.commit()
    large = [("create", "/multi/n%03d" % number, b"x" * number) for number in range(200)]
    a.commit(*large)
    a.exists("/multi")
    a.commit(*[("delete", path) for _, path, _ in large])
    a.exists("/multi")
    with a.client.transaction() as inner:
        inner.create("/multi/inside-with", b"c")
    a.get_children("/multi", include_data=True)
    finish(a, stranger)


def every_kind(a):
    a.commit(
        ("check", "/multi", 0),
        ("create", "/multi/a", b"1"),
        ("create", "/multi/s-", b"", None, False, True),
        ("create", "/multi/e", b"", None, True),
        ("create", "/multi/es-", b"", None, True, True),
        ("set_data", "/multi", b"2", 0),
        ("delete", "/multi/a"),
    )
    a.get("/multi")
    a.get_children("/multi", include_data=True)


def parts_that_build_on_each_other(a):
    a.commit(
        ("create", "/multi/p", b""),
        ("create", "/multi/p/q", b""),
        ("set_data", "/multi/p/q", b"x", 0),
        ("check", "/multi/p/q", 1),
    )
    a.commit(
        ("delete", "/multi/p/q", 1),
        ("delete", "/multi/p", 0),
        ("create", "/multi/p", b"again"),
        ("check", "/multi/p", 0),
    )
    a.commit(("set_data", "/multi/p", b"1"), ("set_data", "/multi/p", b"2"), ("set_data", "/multi/p", b"3", 2))
    a.get("/multi/p")
    a.commit(("create", "/multi/s-", b"", None, False, True), ("create", "/multi/s-", b"", None, False, True))
    a.commit(("delete", "/multi/p"), ("create", "/multi/p/q", b""))
    a.commit(("create", "/multi/t", b""), ("check", "/multi/t", 1))
    a.exists("/multi")


def failures_in_each_place(a, stranger):
    closed = [make_digest_acl("somebody", "else", all=True)]
    a.create("/multi/closed", b"", acl=closed)
    failing = [
        ("create", "/absent/child", b""),
        ("create", "/multi/e", b"there already"),
        ("create", "/multi/e/child", b"of an ephemeral"),
        ("create", "/multi/bad\0path", b""),
        ("create", "/multi/bad-acl", b"", [ACL(31, Id("nope", "x"))]),
        ("create", "/multi/closed/child", b""),
        ("set_data", "/absent", b""),
        ("set_data", "/multi/e", b"", 7),
        ("set_data", "/multi/closed", b""),
        ("delete", "/absent"),
        ("delete", "/multi/e", 7),
        ("delete", "/multi"),
        ("delete", "/"),
        ("check", "/absent", 0),
        ("check", "/absent", -1),
        ("check", "/multi/e", 7),
        ("check", "/multi/closed", 0),
    ]
    others = [("create", "/multi/one", b""), ("set_data", "/multi/e", b"changed")]
    for part in failing:
        for place in range(3):
            stranger.commit(*others[:place], part, *others[place:])
            stranger.exists("/multi")
    stranger.commit(failing[0], failing[1], failing[2])
    a.get_children("/multi", include_data=True)
    a.get("/multi/e")
