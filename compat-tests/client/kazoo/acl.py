"""The scenario acl: who may do what, and whom the server believes it is talking to."""

from kazoo.protocol.states import KeeperState
from kazoo.security import ACL, Id, OPEN_ACL_UNSAFE, make_acl, make_digest_acl

from speech import connect, eventually, finish, say, started

PERMISSIONS = ("read", "write", "create", "delete", "admin")


def acl(hosts):
    owner, stranger = connect(hosts, "owner"), connect(hosts, "stranger")
    owner.add_auth("digest", "owner:secret")
    each_permission_missing(owner, stranger)
    kinds_of_lists(owner, stranger)
    invalid_lists(owner)
    versions_of_lists(owner, stranger)
    identities(hosts, owner, stranger)
    finish(owner, stranger)
    a_wrong_scheme(hosts)


def each_permission_missing(owner, stranger):
    everything = make_digest_acl("owner", "secret", all=True)
    for missing in PERMISSIONS + (None,):
        path = "/without-%s" % missing
        granted = {permission: True for permission in PERMISSIONS if permission != missing}
        owner.create(path, b"data", acl=[everything, make_acl("world", "anyone", **granted)])
        owner.create(path + "/child", b"", acl=OPEN_ACL_UNSAFE)
        stranger.get(path)
        stranger.exists(path)
        stranger.get_children(path)
        stranger.get_children(path, include_data=True)
        stranger.get_acls(path)
        stranger.sync(path)
        stranger.set(path, b"changed")
        stranger.set(path, b"changed", version=99)
        stranger.create(path + "/new", b"")
        stranger.delete(path + "/child")
        stranger.commit(("check", path, -1), ("create", path + "/in-multi", b""))
        stranger.set_acls(path, [everything, make_acl("world", "anyone", read=True)])
        owner.get_acls(path)
        stranger.get_acls(path)
        owner.get_children(path, include_data=True)
    owner.create("/nobody", b"", acl=[everything])
    for call in (stranger.get, stranger.exists, stranger.get_acls, stranger.get_children, stranger.delete):
        call("/nobody")


def kinds_of_lists(owner, stranger):
    lists = {
        "open": OPEN_ACL_UNSAFE,
        "creator": [ACL(31, Id("auth", ""))],
        "read-only": [make_acl("world", "anyone", read=True)],
        "two": [make_digest_acl("owner", "secret", read=True, write=True), make_acl("ip", "127.0.0.1", read=True)],
        "this-host": [make_acl("ip", "127.0.0.1", all=True)],
        "this-net": [make_acl("ip", "127.0.0.0/8", all=True)],
        "odd-net": [make_acl("ip", "127.0.0.1/31", read=True)],
        "other-host": [make_acl("ip", "10.0.0.1", all=True)],
        "twice": OPEN_ACL_UNSAFE + OPEN_ACL_UNSAFE,
        "nothing-granted": [ACL(0, Id("world", "anyone"))],
        "too-many-bits": [ACL(255, Id("world", "anyone"))],
    }
    for name, acls in lists.items():
        path = "/list-" + name
        owner.create(path, b"x", acl=acls)
        for one in (owner, stranger):
            one.get_acls(path)
            one.get(path)
            one.set(path, b"y")


def invalid_lists(owner):
    invalid = [
        [],
        [ACL(31, Id("nope", "x"))],
        [ACL(31, Id("", ""))],
        [ACL(31, Id("world", "somebody"))],
        [ACL(31, Id("digest", "no colon"))],
        [ACL(31, Id("digest", "two:colons:here"))],
        [ACL(31, Id("ip", "not an address"))],
        [ACL(31, Id("ip", "127.0.0.1/33"))],
        [ACL(31, Id("ip", "256.0.0.1"))],
        [ACL(31, Id("x509", "CN=somebody"))],
        [ACL(31, Id("sasl", "somebody"))],
        [ACL(31, Id("super", "somebody"))],
        OPEN_ACL_UNSAFE + [ACL(31, Id("nope", "x"))],
    ]
    owner.create("/valid", b"")
    for number, acls in enumerate(invalid):
        owner.create("/invalid-%d" % number, b"", acl=acls)
        owner.set_acls("/valid", acls)
    owner.get_acls("/valid")


def versions_of_lists(owner, stranger):
    owner.create("/versioned", b"")
    readable = OPEN_ACL_UNSAFE + [make_acl("ip", "127.0.0.1", read=True)]
    owner.set_acls("/versioned", readable, version=0)
    owner.set_acls("/versioned", OPEN_ACL_UNSAFE, version=0)
    owner.set_acls("/versioned", OPEN_ACL_UNSAFE, version=1)
    owner.set_acls("/versioned", OPEN_ACL_UNSAFE)
    owner.set_acls("/absent", OPEN_ACL_UNSAFE)
    stranger.get_acls("/versioned")
    stranger.get_acls("/")
    stranger.get_acls("/zookeeper/quota")
    stranger.get_acls("/zookeeper/config")
    stranger.get("/zookeeper/config")
    stranger.set("/zookeeper/config", b"")


def identities(hosts, owner, stranger):
    owner.create("/of-owner", b"", acl=[ACL(31, Id("auth", ""))])
    stranger.create("/of-nobody", b"", acl=[ACL(31, Id("auth", ""))])
    stranger.get("/of-owner")
    stranger.add_auth("digest", "other:password")
    stranger.get("/of-owner")
    stranger.add_auth("digest", "owner:wrong")
    stranger.get("/of-owner")
    stranger.add_auth("digest", "owner:secret")
    stranger.get("/of-owner")
    stranger.create("/of-three", b"", acl=[ACL(31, Id("auth", "ignored"))])
    stranger.get_acls("/of-three")
    owner.get_acls("/of-three")
    late = connect(
        hosts,
        "late",
        auth_data=[("digest", "owner:secret")],
        default_acl=[make_digest_acl("owner", "secret", all=True)],
    )
    late.get("/of-owner")
    late.create("/by-default", b"")
    late.get_acls("/by-default")
    late.client.stop()
    late.client.start()
    late.get("/by-default")
    root = connect(hosts, "super", auth_data=[("digest", "super:test")])
    for path in ("/nobody", "/by-default", "/of-three", "/list-other-host", "/list-nothing-granted"):
        root.get(path)
        root.get_acls(path)
        root.set_acls(path, OPEN_ACL_UNSAFE)
        root.delete(path)
    root.get("/zookeeper/config")
    root.get_acls("/zookeeper/config")
    finish(late, root)


def a_wrong_scheme(hosts):
    """A scheme that the server does not know ends the session's connection."""
    lost = connect(hosts, "lost")
    lost.add_auth("nope", "anything")
    eventually(lambda: lost.client.client_state == KeeperState.CLOSED, "closed")
    lost.exists("/")
    say("state", lost.client.state)
    lost.client.stop()
    again = started(hosts)
    say("serves on", again.exists("/versioned"))
    again.stop()
