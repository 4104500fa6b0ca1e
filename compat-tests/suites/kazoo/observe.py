"""What pytest's own report does not tell about kazoo's tests: which servers each of them met.

usage: COMPAT_OUTCOMES=FILE PYTHONPATH=this-folder:site python3 -m pytest -p observe ...

A plugin that watches and changes nothing. FILE gets one JSON value a line:

    {"test": "test_client.py::TestClient::test_create", "outcome": "passed", "servers": [4711], "detail": ""}
    {"finished": 0}

kazoo's harness keeps one cluster for many tests, so a test's servers are those that ran when its `setup_zookeeper` was
through, and those that it started itself. Their process ids are matched with launch records by the reader.
"""

import functools
import json
import os

import pytest

from kazoo.testing import common, harness

FOLDER = "kazoo/tests/"


class Observer:
    """Gathers the phases of the test that runs, and writes it down when the next one begins."""

    def __init__(self, file):
        self.file = file
        self.servers = set()
        self.outcome = "passed"
        self.detail = ""

    def begin(self):
        self.servers = set()
        self.outcome = "passed"
        self.detail = ""

    def saw(self, report):
        """Takes one phase: what went wrong first counts."""
        if report.outcome == "passed" or self.outcome == "failed":
            return
        self.outcome = report.outcome
        if report.outcome == "skipped" and isinstance(report.longrepr, tuple):
            self.detail = report.longrepr[2]
        else:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.detail = crash.message if crash is not None else str(report.longrepr)

    def write(self, value):
        self.file.write(json.dumps(value) + "\n")
        self.file.flush()

    def end(self, name):
        self.write(
            {
                "test": name,
                "outcome": self.outcome,
                "servers": sorted(self.servers),
                "detail": self.detail[:1000],
            }
        )


observer = Observer(open(os.environ["COMPAT_OUTCOMES"], "w", encoding="utf-8"))


def name_of(nodeid):
    start = nodeid.find(FOLDER)
    return nodeid if start < 0 else nodeid[start + len(FOLDER) :]


def watch_starts(run):
    """Notes a server that the test, or the harness for it, starts."""

    @functools.wraps(run)
    def watched(server):
        result = run(server)
        observer.servers.add(server.process.pid)
        return result

    return watched


def watch_setups(setup):
    """Notes the servers that run when the harness says that they are ready."""

    @functools.wraps(setup)
    def watched(test, *words, **options):
        try:
            return setup(test, *words, **options)
        finally:
            running = [server for server in harness.CLUSTER or () if server.running]
            observer.servers.update(server.process.pid for server in running)

    return watched


common.ManagedZooKeeper.run = watch_starts(common.ManagedZooKeeper.run)
harness.KazooTestHarness.setup_zookeeper = watch_setups(harness.KazooTestHarness.setup_zookeeper)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logstart(nodeid, location):
    observer.begin()


def pytest_runtest_logreport(report):
    observer.saw(report)


def pytest_runtest_logfinish(nodeid, location):
    observer.end(name_of(nodeid))


def pytest_sessionfinish(session, exitstatus):
    observer.write({"finished": int(exitstatus)})
