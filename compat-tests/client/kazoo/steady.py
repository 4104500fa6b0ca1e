"""A steady load on an ensemble whose servers come and go: README.md, "steady-load"."""

import sys
import threading
import time

from kazoo.client import KazooState
from kazoo.exceptions import BadVersionError, ConnectionClosedError, ConnectionLoss, SessionExpiredError
from kazoo.handlers.threading import KazooTimeoutError

from speech import say, started

PAUSE_S = 0.004
CALLS_THAT_MAY_BE_LOST = (ConnectionLoss, ConnectionClosedError, KazooTimeoutError)


def steady_load(hosts, name):
    """One request after the other until a line comes on the input; says every acknowledged write."""
    client = started(hosts, timeout=10.0)
    client.add_listener(note_expiry)
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), ended.set()), daemon=True).start()
    load = SteadyLoad(client, "/load/" + name)
    say("session", "0x%x" % (client.client_id[0] & 0xFFFFFFFFFFFFFFFF))
    number = 0
    while not ended.is_set():
        number += 1
        try:
            load.step(number)
        except CALLS_THAT_MAY_BE_LOST as error:
            load.is_sure = False
            say("lost", number, error)
        time.sleep(PAUSE_S)
    load.finish()


def note_expiry(state):
    if state == KazooState.LOST:
        say("expired")


class SteadyLoad:
    def __init__(self, client, home):
        self.client = client
        self.home = home
        self.version = 0
        self.written = 0
        # Whether the version is the znode's: after a lost call, another one may have become true.
        self.is_sure = True
        client.create(home, b"0", makepath=True)
        client.create(home + "/live", b"", ephemeral=True)
        client.create(home + "/last", b"0")

    def step(self, number):
        if not self.is_sure:
            self.look()
        step = (self.create, self.set, self.get, self.commit)[number % 4]
        step(number)

    def create(self, number):
        path = self.client.create(self.home + "/n-", b"%d" % number, sequence=True)
        say("created", path, number)

    def set(self, number):
        try:
            stat = self.client.set(self.home, b"%d" % number, version=self.version)
        except BadVersionError:
            if self.is_sure:
                say("broken", "another version than %d" % self.version)
            self.is_sure = False
            return
        self.version, self.written, self.is_sure = stat.version, number, True
        say("set", stat.version, number)

    def get(self, number):
        data, stat = self.client.get(self.home)
        if stat.version < self.version or int(data) < self.written:
            say("broken", "read version %d after %d" % (stat.version, self.version))

    def commit(self, number):
        transaction = self.client.transaction()
        transaction.create("%s/t-%d" % (self.home, number), b"%d" % number)
        transaction.set_data(self.home + "/last", b"%d" % number)
        transaction.check(self.home, -1)
        results = transaction.commit()
        failures = [result for result in results if isinstance(result, Exception)]
        if failures:
            say("broken", tuple(failures))
        else:
            say("committed", number)

    def look(self):
        data, stat = self.client.get(self.home)
        if stat.version < self.version or int(data) < self.written:
            say("broken", "read version %d after %d" % (stat.version, self.version))
        self.version, self.written = stat.version, int(data)

    def finish(self):
        stat = self.client.exists(self.home + "/live")
        say("live", stat is not None and stat.ephemeralOwner == self.client.client_id[0])
        say("the end")
        # kazoo calls a session lost that the client itself has closed.
        self.client.remove_listener(note_expiry)
        self.client.stop()
