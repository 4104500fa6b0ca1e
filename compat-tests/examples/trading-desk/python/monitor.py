"""The monitor: says who joins the desk, and who is gone.

usage: monitor.py HOST:PORT/CHROOT

Members are ephemeral znodes: there while their session lives. A member that died and came back between two looks has a
znode of the same name; its czxid, the transaction that created it, gives it away. It ends when its stdin does.
"""

import sys

from desk import open_session, say, whenever_stirred


def members(zk, watch):
    """Every member's name and czxid."""
    found = {}
    for name in zk.get_children("/members", watch=watch):
        stat = zk.exists("/members/" + name)
        if stat is not None:
            found[name] = stat.czxid
    return found


def watch_members(zk):
    known = {}

    def look(stir):
        found = members(zk, stir)
        for name in sorted(known):
            if found.get(name) != known[name]:
                say("member", name, "is gone")
        for name in sorted(found):
            if known.get(name) != found[name]:
                say("member", name, "joined")
        known.clear()
        known.update(found)

    whenever_stirred(zk, look)


def main(hosts):
    zk = open_session(hosts)
    watch_members(zk)
    say("watching")
    sys.stdin.read()
    zk.stop()


if __name__ == "__main__":
    main(sys.argv[1])
