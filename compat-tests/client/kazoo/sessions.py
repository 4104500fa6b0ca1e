"""Scenarios about sessions: session-end, session-expiry, session-move, restart, crash.

While a server goes and comes back its clients are kept away: ZooKeeper may accept a connection while it starts, and
never answer it, and a client would wait for that until its session has expired.
"""

import threading
import time

from kazoo.client import KazooClient
from kazoo.protocol.states import KazooState

from relay import Relay
from speech import (
    PATIENCE_S,
    QUICK_RETRY,
    Eyes,
    Spoken,
    States,
    ask,
    attempt,
    connect,
    eventually,
    finish,
    say,
    started,
)

BRIEF_S = 2.0
"""The timeout of sessions that are to expire."""


def session_of(client):
    """Id and password as they may be told: the password follows from the id, so only its length is."""
    identity = client.client_id
    return None if identity is None else {"sessionId": str(identity[0]), "password bytes": len(identity[1])}


def session_end(hosts):
    a, watching = connect(hosts, "a"), started(hosts)
    eyes = Eyes(watching)
    say("session", session_of(a.client), a.client.state)
    a.create("/end", b"")
    for name in ("x", "y"):
        a.create("/end/" + name, b"", ephemeral=True)
        watching.exists("/end/" + name, watch=eyes.watch(name))
    a.create("/end/stays", b"")
    identity = a.client.client_id
    states = States(a.client)
    a.stop()
    states.wait_for(KazooState.LOST)
    eyes.tell_sorted("seen")
    say(watching.get_children("/end", include_data=True))
    for call in (a.get, a.exists, a.delete):
        call("/end/stays")
    a.stop()
    a.close()
    a.exists("/")
    a_closed_session_is_not_found_again(hosts, identity)
    a_client_begins_anew(hosts)
    many_sessions(hosts, watching)
    finish(watching)


def a_closed_session_is_not_found_again(hosts, identity):
    again = KazooClient(hosts=hosts, client_id=identity, connection_retry=QUICK_RETRY)
    again.start(timeout=PATIENCE_S)
    say("found again", again.client_id[0] == identity[0], session_of(again))
    finish(again)


def a_client_begins_anew(hosts):
    client = connect(hosts, "anew")
    client.create("/end/anew", b"", ephemeral=True)
    for _ in range(3):
        before = client.client.client_id[0]
        client.restart()
        say("another session", client.client.client_id[0] != before, session_of(client.client))
        client.exists("/end/anew")
        client.create("/end/anew", b"", ephemeral=True)
    finish(client)


def many_sessions(hosts, watching):
    many = [started(hosts) for _ in range(20)]
    for number, client in enumerate(many):
        client.create("/many-%02d" % number, b"", ephemeral=True)
    say("ephemerals", watching.get_children("/"))
    for client in many[::2]:
        client.stop()
    say("half of them", watching.get_children("/"))
    finish(*many)
    say("none", watching.get_children("/", include_data=True))


def session_expiry(hosts):
    relay = Relay(hosts)
    watching = started(hosts)
    silent = connect(relay.hosts, "silent", timeout=BRIEF_S)
    states = States(silent.client)
    first = silent.client.client_id[0]
    gone, eyes = threading.Event(), Eyes(watching)
    say("session", session_of(silent.client))
    silent.create("/plain", b"")
    silent.create("/passing-0", b"0", ephemeral=True)
    silent.create("/passing-1", b"1", ephemeral=True)
    silent.create("/passing-q-", b"2", ephemeral=True, sequence=True)
    watching.exists("/passing-1", watch=eyes.watch("/passing-1"))
    watching.exists("/passing-0", watch=lambda event: gone.set())
    begun = time.monotonic()
    silent.exists("/passing-0")
    relay.fall_silent()
    assert gone.wait(PATIENCE_S)
    say("not before its time", time.monotonic() - begun >= BRIEF_S)
    eyes.tell("seen")
    say("left", watching.get_children("/"), watching.exists("/"))
    relay.forward()
    states.wait_for(KazooState.SUSPENDED, KazooState.LOST, KazooState.CONNECTED)
    say("another session", silent.client.client_id[0] != first, session_of(silent.client))
    silent.get("/passing-0")
    silent.create("/passing-0", b"again", ephemeral=True)
    silent.exists("/passing-0")
    by_a_cut(relay, watching, silent, states)
    finish(silent, watching)


def by_a_cut(relay, watching, silent, states):
    """The same when the connection is cut: a session lives on until its time is over."""
    gone = threading.Event()
    watching.exists("/passing-0", watch=lambda event: gone.set())
    relay.close()
    states.wait_for(KazooState.SUSPENDED)
    say("still there", watching.exists("/passing-0"))
    waiting = silent.client.get_async("/plain")
    assert gone.wait(PATIENCE_S)
    say("gone", watching.exists("/passing-0"))
    relay.forward()
    states.wait_for(KazooState.LOST, KazooState.CONNECTED)
    say("asked while it was cut off", attempt(waiting.get, timeout=PATIENCE_S))
    silent.get_children("/")


def session_move(hosts):
    watching = started(hosts)
    eyes = Eyes(watching)
    first_way, second_way = Relay(hosts), Relay(hosts)
    first = connect(first_way.hosts, "first")
    first_states = States(first.client)
    first.create("/moving", b"", ephemeral=True)
    watching.exists("/moving", watch=eyes.watch("/moving"))
    say("session", session_of(first.client))
    identity = first.client.client_id

    first_way.refuse()
    second = connect(second_way.hosts, "second", client_id=identity)
    second_states = States(second.client)
    assert first_way.cut_by_server.wait(PATIENCE_S)
    first_states.wait_for(KazooState.SUSPENDED)
    say("same session", second.client.client_id == identity, session_of(second.client))
    second.exists("/moving")
    second.set("/moving", b"by the second")
    second.create("/moved", b"", ephemeral=True)

    second_way.refuse()
    first_way.forward()
    first_states.wait_for(KazooState.CONNECTED)
    assert second_way.cut_by_server.wait(PATIENCE_S)
    second_states.wait_for(KazooState.SUSPENDED)
    say("moved back", first.client.client_id == identity)
    first.get("/moving")
    first.exists("/moved")

    wrong_identities(hosts, first_way, first, first_states)
    eyes.tell("seen")
    second.client.stop()
    finish(first)
    say("after the end", watching.get_children("/"))
    eyes.tell("seen")
    finish(watching)


def wrong_identities(hosts, way, owner, owner_states):
    """A wrong password and ids that never were: the client hears that its session has expired, and begins anew."""
    identity = owner.client.client_id
    way.close()
    owner_states.wait_for(KazooState.SUSPENDED)
    wrong = {
        "wrong password": (identity[0], b"x" * 16),
        "no password": (identity[0], b"\0" * 16),
        "short password": (identity[0], b"abc"),
        "unknown id": (0x123456789, b"x" * 16),
        "negative id": (-5, b"x" * 16),
    }
    for what, client_id in wrong.items():
        client = KazooClient(hosts=hosts, timeout=20.0, client_id=client_id, connection_retry=QUICK_RETRY)
        states = States(client)
        client.start(timeout=PATIENCE_S)
        say(what, client.client_id[0] == client_id[0], session_of(client), tuple(states.heard))
        say(client.exists("/moving"))
        client.stop()
    way.forward()
    owner_states.wait_for(KazooState.CONNECTED)
    say("the owner has it still", owner.client.client_id == identity)
    owner.exists("/moving")


def restart(hosts):
    for wish in (("restart",), ("stop", "start")):
        live_through(hosts, wish)


def live_through(hosts, wishes):
    """One client comes back at once, one is kept away until a change has been made."""
    name = "-".join(wishes)
    way, direct_way = Relay(hosts), Relay(hosts)
    cut_off, direct = connect(way.hosts, "cut off"), connect(direct_way.hosts, "direct")
    cut_states, direct_states = States(cut_off.client), States(direct.client)
    eyes, values = Eyes(cut_off.client), []
    identities = [one.client.client_id for one in (cut_off, direct)]
    root = "/" + name
    cut_off.create(root, b"")
    cut_off.create(root + "/ephemeral", b"before", ephemeral=True)
    direct.create(root + "/direct", b"before", ephemeral=True)
    direct.create(root + "/s-", b"", sequence=True)
    cut_off.create(root + "/watched", b"1")
    cut_off.get(root + "/watched", eyes.watch("plain"))
    cut_off.client.DataWatch(root + "/watched", lambda data, stat, event: values.append((data, stat)))
    way.close()
    cut_states.wait_for(KazooState.SUSPENDED)
    direct_way.refuse()
    for wish in wishes:
        ask(wish)
    direct_way.forward()
    direct_states.wait_for(KazooState.SUSPENDED, KazooState.CONNECTED)
    direct.get_children(root, include_data=True)
    direct.get(root + "/direct")
    direct.set(root + "/watched", b"2")
    direct.create(root + "/s-", b"", sequence=True)
    way.forward()
    cut_states.wait_for(KazooState.CONNECTED)
    eventually(lambda: values and values[-1][0] == b"2", "the watch fires after the restart")
    say("watched", tuple(values[:1] + values[-1:]))
    eyes.tell("kazoo tells plain watches that the connection was lost")
    say("same sessions", [one.client.client_id == identity for one, identity in zip((cut_off, direct), identities)])
    cut_off.exists(root + "/ephemeral")
    cut_off.exists(root + "/direct")
    finish(cut_off)
    direct.get_children(root)
    finish(direct)


def crash(hosts):
    """Killed in the middle of a stream of writes; what was acknowledged is there, and so is the session."""
    way = Relay(hosts)
    writer = connect(way.hosts, "writer")
    states = States(writer.client)
    identity = writer.client.client_id
    writer.create("/stream", b"")
    writer.create("/ephemeral", b"", ephemeral=True)
    acknowledged, stop = [], threading.Event()
    writing = threading.Thread(target=write_until, args=(writer.client, acknowledged, stop), daemon=True)
    writing.start()
    eventually(lambda: len(acknowledged) >= 500, "500 acknowledged")
    say("acknowledged", [data for _, data in acknowledged[:5]], acknowledged[499])
    way.refuse()
    ask("crash")
    way.forward()
    eventually(lambda: KazooState.CONNECTED in states.heard, "connected again")
    stop.set()
    writing.join(PATIENCE_S)
    say("same session", writer.client.client_id == identity, states.heard[0], states.heard[-1])
    found = {name: writer.client.get("/stream/" + name) for name in writer.client.get_children("/stream")}
    lost = [path for path, data in acknowledged if found.get(path.split("/")[-1], (None,))[0] != data]
    say("lost", lost)
    numbers = sorted(int(name) for name in found)
    # Behind what was lost unacknowledged, requests that kazoo had queued while it was disconnected may have come through.
    say("without a gap", numbers[: len(acknowledged)] == list(range(len(acknowledged))))
    say(
        "counts",
        writer.client.exists("/stream").cversion == len(numbers),
        writer.client.exists("/stream").numChildren == len(numbers),
    )
    for number in (0, 1, 250, 499):
        writer.get("/stream/%06d" % number)
    writer.exists("/ephemeral")
    writer.create("/afterwards", b"")
    finish(writer)


def write_until(client, acknowledged, stop):
    """Creates in a pipeline of 50 and notes what was acknowledged; ends at the first loss or when it is told to."""
    pending, number = [], 0
    while not stop.is_set():
        path, data = "/stream/%06d" % number, b"%d" % number
        pending.append((path, data, client.create_async(path, data)))
        number += 1
        while len(pending) > 50:
            path, data, result = pending.pop(0)
            if isinstance(attempt(result.get, timeout=PATIENCE_S), Exception):
                stop.set()
                break
            acknowledged.append((path, data))
    for path, data, result in pending:
        if result.ready() and result.successful():
            acknowledged.append((path, data))
