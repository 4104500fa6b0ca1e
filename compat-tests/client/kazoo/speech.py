"""How the scenarios speak: one JSON value a line, in which every answer, Stat, error and event is told in full.

`connect` gives a client whose every call is told, with its arguments and what came of it:

    ["a", "create", "/crud", "data", "/crud"]
    ["a", "get", "/crud", ["data", {"czxid": 2, ..., "numChildren": 0}]]
    ["a", "delete", "/absent", {"error": "NoNodeError"}]

Data is shown as text; what is long is shown by its size and its hash. Lists of names are sorted, since ZooKeeper gives
them in the order of a hash table. Nothing is masked here.
"""

import hashlib
import json
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.protocol.states import Callback, WatchedEvent, ZnodeStat
from kazoo.security import ACL

PATIENCE_S = 60
QUICK_RETRY = {"max_tries": -1, "delay": 0.05, "backoff": 1, "max_delay": 0.2}
LONGEST_SHOWN = 120

_mouth = threading.Lock()


def say(*values):
    line = json.dumps([plain(value) for value in values])
    with _mouth:
        print(line, flush=True)


def ask(wish):
    """Has the server stopped, killed or started; returns when it is done."""
    print(json.dumps({"ask": wish}), flush=True)
    sys.stdin.readline()


def plain(value):
    """Any result of kazoo as JSON can hold it."""
    if isinstance(value, ZnodeStat):
        fields = value._asdict()
        fields["ephemeralOwner"] = str(value.ephemeralOwner)
        return fields
    if isinstance(value, WatchedEvent):
        return {"event": value.type, "path": value.path, "state": value.state}
    if isinstance(value, ACL):
        return [value.perms, value.id.scheme, value.id.id]
    if isinstance(value, BaseException):
        return {"error": type(value).__name__}
    if isinstance(value, bytes):
        return shortened(value, value.decode("utf-8", "backslashreplace"))
    if isinstance(value, str):
        return shortened(value.encode("utf-8", "surrogatepass"), value)
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return plain_list(value)
    return value


def shortened(raw, text):
    if len(text) <= LONGEST_SHOWN:
        return text
    return {"begins": text[:20], "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()[:16]}


def plain_list(values):
    shown = [plain(value) for value in values]
    if isinstance(values, list) and all(isinstance(value, (str, ACL)) for value in values):
        shown.sort(key=json.dumps)
    if len(shown) <= 60:
        return shown
    text = json.dumps(shown)
    return {"first": shown[0], "last": shown[-1], "items": len(shown), "text": shortened(text.encode(), text)}


def attempt(call, *args, **options):
    """The result, or the exception that a user would catch."""
    try:
        return call(*args, **options)
    except Exception as error:
        return error


def eventually(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("never: " + what)
        time.sleep(0.005)


class Spoken:
    """A kazoo client that says what each call gave; `client` is the client itself."""

    def __init__(self, client, name):
        self.client = client
        self.name = name

    def __getattr__(self, method):
        def call(*args, **options):
            outcome = attempt(getattr(self.client, method), *args, **options)
            told = {name: value for name, value in options.items() if not callable(value)}
            say(self.name, method, list_of_arguments(args), *([told] if told else []), outcome)
            return outcome

        return call

    def commit(self, *parts):
        """Commits a transaction of parts such as ("create", "/a", b"data")."""
        transaction = self.client.transaction()
        for method, *args in parts:
            added = attempt(getattr(transaction, method), *args)
            if added is not None:
                say(self.name, "part", method, tuple(args), added)
        results = attempt(transaction.commit)
        say(
            self.name,
            "commit",
            tuple(tuple(part) for part in parts),
            tuple(results) if isinstance(results, list) else results,
        )
        return results


def list_of_arguments(args):
    return tuple(tuple(arg) if isinstance(arg, list) else arg for arg in args if not callable(arg))


class States:
    """The states that a client's listener heard of, from now on."""

    def __init__(self, client):
        self.heard = []
        client.add_listener(self.heard.append)

    def wait_for(self, *states):
        """Waits for these states, no more and no fewer, and says them."""
        eventually(
            lambda: len(self.heard) >= len(states) and self.heard[-1] == states[-1],
            "%s after %s" % (states, self.heard),
        )
        say("states", tuple(self.heard))
        self.heard.clear()


class Eyes:
    """What a client's watches see, in order, under a label for each watch."""

    def __init__(self, client):
        self.client = client
        self.seen = []

    def watch(self, label):
        return lambda event: self.seen.append((label, event))

    def mark(self, label):
        """Puts a mark behind the events that have reached the client."""
        marked = threading.Event()
        put = Callback("watch", lambda: (self.seen.append((label,)), marked.set()), ())
        self.client.handler.dispatch_callback(put)
        assert marked.wait(PATIENCE_S)

    def tell(self, what):
        """Says all that was seen up to a read that begins now: no event may come after it for a change before it."""
        say(what, tuple(self.taken()))

    def tell_sorted(self, what):
        """The same where the order is not the server's: kazoo keeps the watches of one znode in a set."""
        say(what, tuple(sorted(self.taken())))

    def taken(self):
        self.client.exists("/")
        self.mark("mark")
        self.seen.pop()
        seen, self.seen = self.seen, []
        return seen


def started(hosts, **options):
    """A kazoo client with a session; a session outlives a restart of the server unless told otherwise."""
    client = KazooClient(hosts=hosts, timeout=options.pop("timeout", 20.0), connection_retry=QUICK_RETRY, **options)
    client.start(timeout=PATIENCE_S)
    return client


def connect(hosts, name, **options):
    return Spoken(started(hosts, **options), name)


def finish(*clients):
    for one in clients:
        client = one.client if isinstance(one, Spoken) else one
        client.stop()
        client.close()
