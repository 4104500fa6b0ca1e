"""A strategy: applies every change of the configuration and sees every trade, once and in order, across its own restarts.

usage: strategy.py HOST:PORT/CHROOT NAME JOURNAL

What it has applied is in its journal, a file with a line for each, synced before the line is printed. The journal is
state and position in one: a strategy that starts anew goes on behind its last line, so that no crash, be it between any
two steps, makes it apply anything twice or leave anything out. It ends when its stdin does.
"""

import os
import sys
import threading

from desk import follow, join, number_of, open_session, say


class Journal:
    """Lines `KIND NAME TEXT`; a line is there when it is there as a whole."""

    def __init__(self, path):
        self._file = open(path, "a+b")
        self._file.seek(0)
        content = self._file.read()
        whole = content.rfind(b"\n") + 1
        self._file.truncate(whole)  # a line cut by a crash was not applied
        self.lines = content[:whole].decode().splitlines()

    def append(self, line):
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


class Strategy:
    def __init__(self, journal):
        self._journal = journal
        self._taking = threading.Lock()  # changes and trades come by threads of their own
        self._versions = {}
        self._positions = {"config": 0, "trade": 0}
        for line in journal.lines:
            self._note(*line.split(" ", 2))

    def position(self, kind):
        return self._positions[kind]

    def taker(self, kind):
        def take(name, text):
            line = "%s %s %s" % (kind, name, text)
            with self._taking:
                self._note(kind, name, text)
                self._journal.append(line)
            say(line)

        return take

    def _note(self, kind, name, text):
        if kind == "config":
            setting, version, _ = text.split(" ", 2)
            expected = "v%d" % self._versions.get(setting, 0)
            if version != expected:
                raise ValueError("%s should come next: %s" % (expected, text))
            self._versions[setting] = int(version[1:]) + 1
        self._positions[kind] = number_of(name) + 1


def main(hosts, name, journal_path):
    strategy = Strategy(Journal(journal_path))
    if strategy.position("config") + strategy.position("trade") > 0:
        say("resumes with c-%010d and t-%010d" % (strategy.position("config"), strategy.position("trade")))
    zk = open_session(hosts)
    follow(zk, "/config/changes", strategy.position("config"), strategy.taker("config"))
    follow(zk, "/trades", strategy.position("trade"), strategy.taker("trade"))
    join(zk, name)
    sys.stdin.read()
    zk.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
