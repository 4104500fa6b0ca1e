import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/** A session's life: how it ends, how it is lost, how it outlives its connection and its server. */
final class Sessions extends Stage {
    Sessions(String server) {
        super(server);
    }

    void sessionEnd() throws Exception {
        Client watching = open("a");
        Client ending = open("b");
        watching.sync.create("/e", null);
        ending.sync.create("/e/mortal", "x", CreateMode.EPHEMERAL);
        ending.sync.create("/e/seq-", "y", CreateMode.EPHEMERAL_SEQUENTIAL);
        ending.sync.create("/e/lasting", "z");
        watching.sync.get("/e/mortal", watching.watcher("data"));
        watching.sync.exists("/e/mortal", watching.watcher("exists"));
        watching.sync.children("/e/lasting", watching.watcher("children of another"));
        Trace.say("before", ending.zk.getState(), Trace.record("sessionId", ending.sessionId()));
        long id = ending.zk.getSessionId();
        byte[] password = ending.zk.getSessionPasswd();
        ending.zk.close();
        Trace.say("closed", ending.zk.getState(), ending.zk.getState().isAlive());
        watching.settle();
        watching.sync.childrenAndStat("/e", null);
        for (Calls calls : new Calls[] {ending.sync, ending.async}) {
            calls.exists("/e");
            calls.create("/e/late", null);
            calls.get("/e/lasting");
            calls.multi("late", Op.check("/e", -1));
        }
        ending.zk.close();
        ending.zk.close();
        Trace.say("closed again", ending.zk.getState());
        Client returning = new Client("c", server, TIMEOUT_MS, id, password);
        returning.until(KeeperState.Expired);
        returning.sync.exists("/e");
        Trace.say("state", returning.zk.getState());
        readOnlyAllowed();
        endOfPipelined(watching);
        watching.sync.childrenAndStat("/e", null);
    }

    /** A session that a server which has lost its ensemble may serve too: this one serves it like any other. */
    private void readOnlyAllowed() throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper zk = new ZooKeeper(server, TIMEOUT_MS, event -> {
            Trace.sayEvent("modest", "default", event);
            connected.countDown();
        }, true);
        waitFor(connected);
        Trace.say("modest", zk.getState(), zk.getSessionTimeout());
        Trace.say("modest", zk.create("/e/modest", null, OPEN, CreateMode.EPHEMERAL), zk.exists("/e/modest", false));
        zk.close();
    }

    /** What was sent before the end is done before the end. */
    private void endOfPipelined(Client watching) throws Exception {
        Client hasty = open("hasty");
        int count = 50;
        CountDownLatch answered = new CountDownLatch(count);
        int[] codes = new int[count];
        for (int at = 0; at < count; at++) {
            int index = at;
            hasty.zk.create("/e/h" + at, null, OPEN, at % 2 == 0 ? CreateMode.PERSISTENT : CreateMode.EPHEMERAL,
                    (code, path, context, name) -> {
                        codes[index] = code;
                        answered.countDown();
                    }, null);
        }
        hasty.zk.close();
        waitFor(answered);
        Trace.say("answers before the end", Trace.bytes(Arrays.toString(codes)));
        watching.sync.childrenAndStat("/e", null);
    }

    void sessionExpiry() throws Exception {
        timeouts();
        Client watching = open("watching");
        watching.sync.create("/x", null);
        for (String way : new String[] {"cut", "frozen"}) {
            Relay relay = new Relay(server);
            Client mortal = connected(new Client(way, relay.address(), 2000));
            Trace.say("timeout", mortal.zk.getSessionTimeout(), Trace.record("sessionId", mortal.sessionId()));
            mortal.sync.create("/x/mortal", way, CreateMode.EPHEMERAL);
            mortal.sync.create("/x/lasting-", way, CreateMode.PERSISTENT_SEQUENTIAL);
            mortal.sync.get("/x", mortal);
            watching.sync.exists("/x/mortal", watching);
            watching.sync.children("/x", watching.watcher("children"));
            if (way.equals("cut")) {
                relay.cut();
            } else {
                relay.freeze();
                mortal.async.create("/x/unheard", null, CreateMode.PERSISTENT);
            }
            mortal.until(KeeperState.Disconnected);
            watching.await(2);
            watching.settle();
            watching.sync.childrenAndStat("/x", null);
            relay.cut();
            relay.mend();
            mortal.until(KeeperState.Expired);
            mortal.sync.exists("/x");
            mortal.async.create("/x/late", null, CreateMode.PERSISTENT);
            Trace.say("state", mortal.zk.getState(), mortal.zk.getState().isAlive());
            Client anew = connected(new Client(way + " anew", relay.address(), 2000));
            anew.sync.create("/x/mortal", "again", CreateMode.EPHEMERAL);
            watching.sync.get("/x/mortal");
            anew.zk.close();
        }
        watching.sync.childrenAndStat("/x", null);
    }

    private void timeouts() throws Exception {
        for (int wanted : new int[] {800, 999, 1000, 1001, 5000, 9999, 10_000, 10_001, 1_000_000}) {
            Client client = connected(new Client("wants " + wanted, server, wanted));
            Trace.say("timeout", wanted, client.zk.getSessionTimeout());
            client.zk.close();
        }
    }

    void sessionMove() throws Exception {
        Client watching = open("watching");
        Relay firstWire = new Relay(server);
        Client first = connected(new Client("first", firstWire.address(), TIMEOUT_MS));
        long id = first.zk.getSessionId();
        byte[] password = first.zk.getSessionPasswd();
        Trace.say("session", Trace.record("sessionId", first.sessionId()), password.length);
        first.sync.create("/mine", "first", CreateMode.EPHEMERAL);
        first.sync.get("/mine", first);
        watching.sync.exists("/mine", watching);
        firstWire.closeToNewcomers();
        Client second = connected(new Client("second", server, TIMEOUT_MS, id, password));
        first.until(KeeperState.Disconnected);
        Trace.say("session", Trace.record("sessionId", second.sessionId()), second.zk.getSessionTimeout(),
                Arrays.equals(password, second.zk.getSessionPasswd()));
        second.sync.look("/mine");
        second.sync.create("/mine-too", "second", CreateMode.EPHEMERAL);
        watching.settle();
        second.sync.set("/mine", "second", -1);
        watching.settle();
        second.settle();
        first.sync.get("/mine");
        Trace.say("states", first.zk.getState().isAlive(), second.zk.getState());
        wrongKeys(id, password);
        second.sync.exists("/mine-too");
        watching.sync.exists("/mine", watching);
        second.zk.close();
        watching.settle();
        firstWire.mend();
        first.until(KeeperState.Expired);
        first.sync.get("/mine");
        Client late = new Client("late", server, TIMEOUT_MS, id, password);
        late.until(KeeperState.Expired);
        watching.sync.children("/");
        backAndForth(watching);
    }

    /** An id that never was, and a password that is not its session's, here of a session that nobody is connected to. */
    private void wrongKeys(long id, byte[] password) throws Exception {
        byte[] wrong = password.clone();
        wrong[0] ^= 1;
        Relay wire = new Relay(server);
        Client away = connected(new Client("away", wire.address(), TIMEOUT_MS));
        away.sync.create("/away", null, CreateMode.EPHEMERAL);
        wire.cut();
        away.until(KeeperState.Disconnected);
        byte[] wrongForAway = away.zk.getSessionPasswd().clone();
        wrongForAway[15] ^= 1;
        long awayId = away.zk.getSessionId();
        Object[][] keys = {
            {"wrong password", awayId, wrongForAway}, {"empty password", awayId, new byte[0]},
            {"no such session", id + 1_000_000, password}, {"another's password", awayId, password},
            {"negative", -5L, wrong},
        };
        for (Object[] each : keys) {
            Client stranger = new Client((String) each[0], server, TIMEOUT_MS, (Long) each[1], (byte[]) each[2]);
            stranger.until(KeeperState.Expired);
            stranger.sync.exists("/");
            Trace.say("state", stranger.zk.getState());
        }
        wire.mend();
        away.until(KeeperState.SyncConnected);
        away.sync.exists("/away");
        away.zk.close();
    }

    /** The same session on three connections one after the other. */
    private void backAndForth(Client watching) throws Exception {
        Client holder = null;
        Relay wire = new Relay(server);
        for (int round = 0; round < 4; round++) {
            Relay next = new Relay(server);
            Client client = holder == null
                    ? new Client("holder 0", next.address(), TIMEOUT_MS)
                    : new Client("holder " + round, next.address(), TIMEOUT_MS, holder.zk.getSessionId(),
                            holder.zk.getSessionPasswd());
            wire.closeToNewcomers();
            connected(client);
            if (holder != null) {
                holder.until(KeeperState.Disconnected);
            }
            client.sync.create("/held-", String.valueOf(round), CreateMode.EPHEMERAL_SEQUENTIAL);
            client.sync.children("/");
            holder = client;
            wire = next;
        }
        holder.zk.close();
        watching.sync.childrenAndStat("/", null);
    }

    void restart() throws Exception {
        Client direct = openPatiently("direct");
        Relay wire = new Relay(server);
        Client away = connected(new Client("away", wire.address(), TIMEOUT_MS));
        direct.sync.create("/r", "0");
        for (String name : new String[] {"set", "deleted", "parent", "untouched", "replaced"}) {
            direct.sync.create("/r/" + name, "0");
        }
        for (String way : new String[] {"restart", "stop"}) {
            Trace.say("session", Trace.record("sessionId", direct.sessionId()), Trace.record("sessionId", away.sessionId()));
            direct.sync.create("/r/direct", way, CreateMode.EPHEMERAL);
            away.sync.create("/r/away", way, CreateMode.EPHEMERAL);
            direct.sync.get("/r/set", direct);
            direct.sync.exists("/r/none", direct.watcher("own"));
            leaveWatches(away);
            wire.cut();
            away.until(KeeperState.Disconnected);
            if (way.equals("restart")) {
                Trace.ask("restart");
            } else {
                Trace.ask("stop");
                direct.until(KeeperState.Disconnected);
                direct.async.create("/r/lost", null, CreateMode.PERSISTENT);
                Trace.ask("start");
            }
            direct.until(KeeperState.SyncConnected);
            direct.sync.look("/r");
            direct.sync.look("/r/direct");
            direct.sync.look("/r/away");
            change(direct);
            direct.settle();
            wire.mend();
            away.until(KeeperState.SyncConnected);
            away.settle();
            away.sync.look("/r/away");
            Trace.say("session", Trace.record("sessionId", direct.sessionId()), Trace.record("sessionId", away.sessionId()));
            direct.sync.set("/r/untouched", "touched", -1);
            away.settle();
            away.sync.delete("/r/away", -1);
            direct.sync.delete("/r/direct", -1);
            direct.sync.delete("/r/none", -1);
            direct.sync.delete("/r/new", -1);
            direct.sync.create("/r/deleted", "0");
            direct.sync.delete("/r/parent/child", -1);
            away.settle();
        }
        direct.sync.childrenAndStat("/r", null);
    }

    private static void leaveWatches(Client away) throws Exception {
        away.sync.get("/r/set", away.watcher("get"));
        away.sync.exists("/r/deleted", away.watcher("exists"));
        away.sync.children("/r/parent", away.watcher("children"));
        away.sync.children("/r/deleted", away.watcher("children"));
        away.sync.exists("/r/new", away.watcher("exists, absent"));
        away.sync.get("/r/untouched", away.watcher("get"));
        away.sync.children("/r/untouched", away.watcher("children"));
        away.sync.get("/r/replaced", away.watcher("get"));
        away.sync.exists("/r/never", away.watcher("exists, absent"));
    }

    private static void change(Client client) throws Exception {
        client.sync.set("/r/set", "1", -1);
        client.sync.delete("/r/deleted", -1);
        client.sync.create("/r/parent/child", null);
        client.sync.create("/r/new", null);
        client.sync.delete("/r/replaced", -1);
        client.sync.create("/r/replaced", "new");
        client.sync.create("/r/none", null);
    }

    void crash() throws Exception {
        Client writer = openPatiently("writer");
        Client other = openPatiently("other");
        writer.sync.create("/log", null);
        writer.sync.create("/counter", "0");
        other.sync.create("/other", "o", CreateMode.EPHEMERAL);
        for (int round = 0; round < 2; round++) {
            other.sync.exists("/log/end" + round, other.watcher("end"));
            Stream stream = new Stream(writer, round);
            stream.start();
            stream.untilAcknowledged(400);
            Trace.ask("crash");
            stream.join();
            writer.until(KeeperState.SyncConnected);
            other.until(KeeperState.SyncConnected);
            stream.check();
            Trace.say("session", Trace.record("sessionId", writer.sessionId()), Trace.record("sessionId", other.sessionId()));
            Trace.say("other's ephemeral", other.zk.exists("/other", false).getEphemeralOwner() == other.zk.getSessionId());
            writer.zk.create("/log/end" + round, null, OPEN, CreateMode.PERSISTENT);
            other.settle();
        }
    }

    /** Writes without waiting, until the first one fails. */
    private static final class Stream extends Thread {
        private final Client client;
        private final int round;
        private final Semaphore room = new Semaphore(100);
        private final Set<String> acknowledged = new HashSet<>();
        private final AtomicBoolean hasFailed = new AtomicBoolean();
        private int versionSeen;

        Stream(Client client, int round) {
            this.client = client;
            this.round = round;
        }

        @Override
        public void run() {
            try {
                while (!hasFailed.get()) {
                    room.acquire(2);
                    client.zk.create("/log/" + round + "-", Trace.bytes("x"), OPEN, CreateMode.PERSISTENT_SEQUENTIAL,
                            (code, path, context, name) -> take(code, name, null), null);
                    client.zk.setData("/counter", Trace.bytes("y"), -1,
                            (code, path, context, stat) -> take(code, null, stat), null);
                }
            } catch (InterruptedException error) {
                Thread.currentThread().interrupt();
            }
        }

        private synchronized void take(int code, String name, Stat stat) {
            if (code != KeeperException.Code.OK.intValue()) {
                hasFailed.set(true);
            } else if (name != null) {
                acknowledged.add(name);
            } else {
                versionSeen = stat.getVersion();
            }
            room.release();
            notifyAll();
        }

        synchronized void untilAcknowledged(int count) throws InterruptedException {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(Client.PATIENCE_S);
            while (acknowledged.size() < count) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException("only " + acknowledged.size() + " writes");
                }
                wait(1000);
            }
        }

        /** Every acknowledged write is there. */
        void check() throws Exception {
            Set<String> present = new HashSet<>();
            for (String name : client.zk.getChildren("/log", false)) {
                present.add("/log/" + name);
            }
            Stat counter = client.zk.exists("/counter", false);
            Trace.say("acknowledged creates are there", present.containsAll(acknowledged));
            Trace.say("acknowledged sets are there", counter.getVersion() >= versionSeen);
            String next = client.zk.create("/log/" + round + "-", null, OPEN, CreateMode.PERSISTENT_SEQUENTIAL);
            Trace.say("no number comes twice", !present.contains(next) && Collections.max(acknowledged).compareTo(next) < 0);
            Trace.say("the stream was broken off", hasFailed.get());
        }
    }
}
