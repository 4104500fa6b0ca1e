"""The risk desk: the one who changes limits and parameters.

usage: risk_desk.py HOST:PORT/CHROOT

Commands on stdin, an answer on stdout for each:

  open                         makes what is missing of the desk's tree
  add NAME VALUE               a new setting, risk-limits or strategies/NAME
  change NAME VERSION VALUE    a new value, if the setting is still at the version that the user looked at
  clear                        deletes the desk with all that is in it

The current value of a setting is in /config/NAME. Each change is also appended to /config/changes, by the same multi:
either both happen or neither, and as ZooKeeper brings all writes into one order, all processes can apply the changes in
that order, each once, however late they come to read them.
"""

import sys
import time
from contextlib import contextmanager

from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError

from desk import NO_ANSWER, PATIENCE_S, RETRY_S, open_session, say

FOLDERS = ("/epoch", "/members", "/orders", "/trades", "/config/strategies", "/config/changes")
ABSENT = -1


@contextmanager
def outside(hosts):
    """A session outside the chroot, and the chroot: a znode like any other, made before anybody can live in it."""
    servers, _, chroot = hosts.partition("/")
    root = KazooClient(hosts=servers)
    root.start(timeout=PATIENCE_S)
    try:
        yield root, "/" + chroot
    finally:
        root.stop()
        root.close()


def open_desk(hosts):
    with outside(hosts) as (root, chroot):
        for folder in FOLDERS:
            root.ensure_path(chroot + folder)


def clear_desk(hosts):
    with outside(hosts) as (root, chroot):
        root.delete(chroot, recursive=True)


def write(zk, name, version, value):
    """Gives the setting `value` if it is at `version` (ABSENT: if it is not there), and tells everybody."""
    path = "/config/" + name
    change = "%s v%d %s" % (name, version + 1, value)
    batch = zk.transaction()
    if version == ABSENT:
        batch.create(path, value.encode())
    else:
        batch.set_data(path, value.encode(), version=version)
    batch.create("/config/changes/c-", change.encode(), sequence=True)
    first = batch.commit()[0]
    if isinstance(first, (BadVersionError, NodeExistsError, NoNodeError)):
        return False
    if isinstance(first, Exception):
        raise first
    return True


def write_surely(zk, name, version, value):
    """The same over lost connections: after one, the setting itself says whether the write happened."""
    is_repeated = False
    while True:
        try:
            if write(zk, name, version, value):
                return True
            if not is_repeated:
                return False
            data, stat = zk.get("/config/" + name)
            return stat.version == version + 1 and data.decode() == value
        except NO_ANSWER:
            is_repeated = True
            time.sleep(RETRY_S)


def report(is_written, name, version, value):
    if is_written:
        say("written", name, "v%d" % (version + 1), value)
    else:
        say("refused", name, "is there already" if version == ABSENT else "is not at v%d any more" % version)


def main(hosts):
    zk = None
    for line in sys.stdin:
        command, _, rest = line.rstrip("\n").partition(" ")
        if command == "open":
            open_desk(hosts)
            zk = open_session(hosts)
            say("opened")
        elif command == "clear":
            clear_desk(hosts)
            say("cleared")
        elif command == "add":
            name, value = rest.split(" ", 1)
            report(write_surely(zk, name, ABSENT, value), name, ABSENT, value)
        elif command == "change":
            name, version, value = rest.split(" ", 2)
            report(write_surely(zk, name, int(version), value), name, int(version), value)
        else:
            raise ValueError(line)
    if zk is not None:
        zk.stop()


if __name__ == "__main__":
    main(sys.argv[1])
