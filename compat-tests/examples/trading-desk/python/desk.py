"""What every Python program of the desk does: open a session, be a member, follow a sequence.

All of it has one shape. A watch says that something changed, not what, and only once; a lost connection says even less.
So neither is used for anything but to wake up: then the program looks at the tree, sets its watch again, and does what
is left to do. `whenever_stirred` is that shape.
"""

import os
import threading
import traceback

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import (
    ConnectionClosedError,
    ConnectionLoss,
    NodeExistsError,
    OperationTimeoutError,
    SessionExpiredError,
)

SESSION_TIMEOUT_S = 12.0
PATIENCE_S = 60.0
RETRY_S = 0.1

speaking = threading.Lock()

# The connection is gone, and with it the answer: whether the request was carried out is unknown.
NO_ANSWER = (ConnectionClosedError, ConnectionLoss, OperationTimeoutError, SessionExpiredError)


def open_session(hosts):
    """A session that looks for the server again, at least once a second, for as long as it takes."""
    retry = {"max_tries": -1, "delay": RETRY_S, "max_delay": 1.0}
    zk = KazooClient(hosts=hosts, timeout=SESSION_TIMEOUT_S, connection_retry=retry)
    zk.start(timeout=PATIENCE_S)
    return zk


def say(*words):
    """A line, whole: several threads speak."""
    with speaking:
        print(*words, flush=True)


def whenever_stirred(zk, look):
    """Calls `look(stir)` now and after every call of `stir`, which serves as a watch, and of a new connection."""
    stirred = threading.Event()

    def stir(_event=None):
        stirred.set()

    def on_state(state):
        if state == KazooState.CONNECTED:
            stir()

    def run():
        while True:
            stirred.wait()
            stirred.clear()
            try:
                look(stir)
            except NO_ANSWER:
                pass  # the next connection stirs
            except Exception:
                traceback.print_exc()
                os._exit(1)

    zk.add_listener(on_state)
    stir()
    threading.Thread(target=run, daemon=True).start()


def join(zk, name):
    """Is a member for as long as the process lives, whatever becomes of its sessions."""
    path = "/members/" + name

    def look(stir):
        try:
            zk.create(path, ephemeral=True)
        except NodeExistsError:
            # Ours; or that of a former life, whose session has not expired yet: ours comes when it is gone.
            if zk.exists(path, watch=stir) is None:
                stir()

    whenever_stirred(zk, look)


def follow(zk, folder, position, take):
    """Calls `take(name, text)` for each sequential child of `folder` from number `position` on: once, in order, for ever."""

    def look(stir):
        nonlocal position
        for name in sorted(zk.get_children(folder, watch=stir)):
            number = number_of(name)
            if number >= position:
                data, _ = zk.get(folder + "/" + name)
                take(name, data.decode())
                position = number + 1

    whenever_stirred(zk, look)


def number_of(name):
    """The number that the server gave a sequential znode: of `c-0000000007`, 7."""
    return int(name.rpartition("-")[2])
