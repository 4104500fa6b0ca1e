import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;

/**
 * A session: its handle, and what its watchers were told. Events are kept until the scenario asks for them, so that the
 * trace does not depend on threads: {@link #settle} shows all that the server had sent before it answered one more
 * request. States of the connection are kept apart; a state that comes twice in a row (a failed attempt to connect
 * repeats Disconnected) counts once.
 */
final class Client implements Watcher {
    static final int PATIENCE_S = 60;

    final String name;
    final ZooKeeper zk;
    /** The calls that wait, and those that are called back. */
    final Calls sync;
    final Calls async;
    private final List<Told> events = new ArrayList<>();
    private final List<KeeperState> states = new ArrayList<>();
    private int statesShown;

    private static final class Told {
        final String watcher;
        final WatchedEvent event;

        Told(String watcher, WatchedEvent event) {
            this.watcher = watcher;
            this.event = event;
        }

        boolean isOfSameChange(Told other) {
            return event.toString().equals(other.event.toString())
                    || (isRemoval() && other.isRemoval() && event.getPath().equals(other.event.getPath()));
        }

        private boolean isRemoval() {
            return event.getType().name().endsWith("WatchRemoved");
        }

        String rank() {
            return event.getType() + " " + watcher;
        }
    }

    Client(String name, String hosts, int timeoutMs) throws Exception {
        this.name = name;
        this.zk = new ZooKeeper(hosts, timeoutMs, this);
        this.sync = new SyncCalls(this);
        this.async = new AsyncCalls(this);
    }

    /** A connection that takes over the session with this id and password. */
    Client(String name, String hosts, int timeoutMs, long sessionId, byte[] password) throws Exception {
        this.name = name;
        this.zk = new ZooKeeper(hosts, timeoutMs, this, sessionId, password);
        this.sync = new SyncCalls(this);
        this.async = new AsyncCalls(this);
    }

    /** The session's default watcher. */
    @Override
    public void process(WatchedEvent event) {
        synchronized (this) {
            if (event.getType() == EventType.None) {
                if (states.isEmpty() || states.get(states.size() - 1) != event.getState()) {
                    states.add(event.getState());
                }
            } else {
                events.add(new Told("default", event));
            }
            notifyAll();
        }
    }

    /** A watcher of its own, with a name in the trace. */
    Watcher watcher(String watcherName) {
        return event -> {
            synchronized (this) {
                if (event.getType() != EventType.None) {
                    events.add(new Told(watcherName, event));
                }
                notifyAll();
            }
        };
    }

    /** Waits for the next state of the connection that has not been shown yet, and shows it. */
    KeeperState nextState() throws Exception {
        KeeperState state;
        synchronized (this) {
            long deadline = deadline();
            while (states.size() == statesShown) {
                waitUntil(deadline, "another state of " + name);
            }
            state = states.get(statesShown++);
        }
        Trace.say(name + ".state", state.name());
        return state;
    }

    /** Shows states until this one has come. */
    void until(KeeperState wanted) throws Exception {
        while (nextState() != wanted) {
            // Each one has been shown.
        }
    }

    /** Waits for so many events, and shows them. */
    void await(int count) throws Exception {
        synchronized (this) {
            long deadline = deadline();
            while (events.size() < count) {
                waitUntil(deadline, count + " events of " + name);
            }
        }
        show();
    }

    /** Shows every event that the server had sent before it answers a request sent now. */
    void settle() throws Exception {
        CountDownLatch answered = new CountDownLatch(1);
        zk.exists("/", false, (code, path, context, stat) -> answered.countDown(), null);
        Stage.waitFor(answered);
        int count = show();
        Trace.say(name + ".events", count);
    }

    String sessionId() {
        return "0x" + Long.toHexString(zk.getSessionId());
    }

    /** Watchers of one change, or of one removal, are told in the order of a hash table: they are shown by name. */
    private int show() {
        List<Told> told;
        synchronized (this) {
            told = new ArrayList<>(events);
            events.clear();
        }
        for (int from = 0; from < told.size(); ) {
            int to = from + 1;
            while (to < told.size() && told.get(from).isOfSameChange(told.get(to))) {
                to++;
            }
            List<Told> same = told.subList(from, to);
            same.sort((one, other) -> one.rank().compareTo(other.rank()));
            for (Told each : same) {
                Trace.sayEvent(name, each.watcher, each.event);
            }
            from = to;
        }
        return told.size();
    }

    private static long deadline() {
        return System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
    }

    private void waitUntil(long deadline, String what) throws InterruptedException {
        long restMs = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
        if (restMs <= 0) {
            throw new IllegalStateException("never: " + what);
        }
        wait(restMs);
    }
}
