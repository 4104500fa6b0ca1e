import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.ZooDefs.Perms;

/** Watches of the classic kind: each is set by a read and triggered once. */
final class Watching extends Stage {
    /** A call that leaves a watch. */
    interface Look {
        void at(Calls calls, String path, Watcher watcher) throws Exception;
    }

    /** A change by somebody else to a znode that has a child `kid`. */
    interface Change {
        void of(Calls calls, String path) throws Exception;
    }

    Watching(String server) {
        super(server);
    }

    void watches() throws Exception {
        Client watching = open("a");
        Client changing = open("b");
        changing.sync.create("/w", null);
        everyPair(watching, changing);
        absentZnodes(watching, changing);
        severalWatchers(watching, changing);
        severalSessions(watching, changing);
        forbidden(watching, changing);
    }

    private static final Object[][] LOOKS = {
        {"exists", (Look) (calls, path, watcher) -> calls.exists(path, watcher)},
        {"get", (Look) (calls, path, watcher) -> calls.get(path, watcher)},
        {"children", (Look) (calls, path, watcher) -> calls.children(path, watcher)},
        {"children2", (Look) (calls, path, watcher) -> calls.childrenAndStat(path, watcher)},
    };

    private static final Object[][] CHANGES = {
        {"set", (Change) (calls, path) -> calls.set(path, "new", -1)},
        {"set the same", (Change) (calls, path) -> calls.set(path, "old", -1)},
        {"setACL", (Change) (calls, path) -> calls.setAcl(path, OPEN, -1)},
        {"create a child", (Change) (calls, path) -> calls.create(path + "/new", null)},
        {"create in sequence", (Change) (calls, path) -> calls.create(path + "/", null, CreateMode.EPHEMERAL_SEQUENTIAL)},
        {"delete the child", (Change) (calls, path) -> calls.delete(path + "/kid", -1)},
        {"set the child", (Change) (calls, path) -> calls.set(path + "/kid", "new", -1)},
        {"grandchild", (Change) (calls, path) -> calls.create(path + "/kid/grandchild", null)},
        {"delete", (Change) (calls, path) -> calls.multi("both", Op.delete(path + "/kid", 0), Op.delete(path, 0))},
        {"delete one by one", (Change) (calls, path) -> {
            calls.delete(path + "/kid", -1);
            calls.delete(path, -1);
        }},
        {"replace", (Change) (calls, path) -> {
            calls.delete(path + "/kid", -1);
            calls.delete(path, -1);
            calls.create(path, "again");
        }},
        {"fail", (Change) (calls, path) -> {
            calls.set(path, "new", 77);
            calls.delete(path, -1);
            calls.create(path, null);
            calls.multi("fails", Op.setData(path, null, -1), Op.check(path, 77));
        }},
        {"several in one", (Change) (calls, path) -> calls.multi("several",
                Op.create(path + "/x", null, OPEN, CreateMode.PERSISTENT), Op.setData(path, null, -1),
                Op.delete(path + "/x", -1), Op.setData(path, null, -1))},
    };

    /** Each way to set a watch, and each change. */
    private static void everyPair(Client watching, Client changing) throws Exception {
        int number = 0;
        for (Object[] look : LOOKS) {
            for (Object[] change : CHANGES) {
                for (Calls calls : new Calls[] {watching.sync, watching.async}) {
                    String path = "/w/" + number++;
                    changing.zk.create(path, Trace.bytes("old"), OPEN, CreateMode.PERSISTENT);
                    changing.zk.create(path + "/kid", null, OPEN, CreateMode.PERSISTENT);
                    Trace.say("watch by", look[0], "change by", change[0]);
                    ((Look) look[1]).at(calls, path, calls == watching.sync ? watching : watching.watcher("own"));
                    ((Change) change[1]).of(changing.sync, path);
                    watching.settle();
                    changing.sync.create(path, "once more");
                    changing.sync.set(path, "once more", -1);
                    changing.sync.create(path + "/more", null);
                    changing.sync.delete(path + "/more", -1);
                    watching.settle();
                }
            }
        }
    }

    /** Only exists leaves a watch on what is not there. */
    private static void absentZnodes(Client watching, Client changing) throws Exception {
        changing.sync.create("/absent", null);
        for (Object[] look : LOOKS) {
            String path = "/absent/" + look[0];
            ((Look) look[1]).at(watching.sync, path, watching.watcher("absent"));
            ((Look) look[1]).at(watching.async, path, watching.watcher("absent too"));
            changing.sync.create(path, null);
            watching.settle();
            changing.sync.set(path, "x", 0);
            changing.sync.delete(path, 1);
            watching.settle();
        }
        watching.sync.exists("/absent/parent/child", watching);
        changing.sync.create("/absent/parent", null);
        watching.settle();
        changing.sync.create("/absent/parent/child", null, CreateMode.EPHEMERAL);
        watching.settle();
        watching.sync.get("/absent/none", watching);
        watching.sync.children("/absent/none", watching);
        changing.sync.create("/absent/none", null);
        watching.settle();
    }

    private static void severalWatchers(Client watching, Client changing) throws Exception {
        changing.sync.create("/many", "0");
        Watcher one = watching.watcher("one");
        Watcher two = watching.watcher("two");
        watching.sync.get("/many", one);
        watching.sync.get("/many", one);
        watching.sync.get("/many", two);
        watching.sync.exists("/many", watching);
        watching.sync.exists("/many", one);
        watching.sync.children("/many", one);
        watching.sync.childrenAndStat("/many", two);
        changing.sync.set("/many", "1", -1);
        watching.settle();
        changing.sync.set("/many", "2", -1);
        watching.settle();
        watching.sync.exists("/many", two);
        changing.sync.delete("/many", -1);
        watching.settle();
        changing.sync.create("/many", null);
        watching.settle();
        watching.sync.get("/many", one);
        watching.sync.set("/many", "by itself", -1);
        watching.settle();
        watching.zk.register(watching.watcher("registered"));
        watching.zk.exists("/many", true);
        changing.sync.set("/many", "3", -1);
        watching.settle();
        watching.zk.register(watching);
    }

    private void severalSessions(Client watching, Client changing) throws Exception {
        Client third = open("c");
        changing.sync.create("/shared", "0");
        watching.sync.get("/shared", watching);
        third.sync.get("/shared", third);
        changing.sync.get("/shared", changing);
        third.sync.children("/shared", third.watcher("children"));
        changing.sync.set("/shared", "1", -1);
        watching.settle();
        third.settle();
        changing.settle();
        watching.sync.get("/shared", watching);
        third.sync.get("/shared", third);
        third.zk.close();
        changing.sync.delete("/shared", -1);
        watching.settle();
    }

    /** A read that is refused leaves no watch; one that was allowed is told although it could no longer read. */
    private static void forbidden(Client watching, Client changing) throws Exception {
        changing.sync.create("/closed", null, acl(Perms.ALL & ~Perms.READ, "world", "anyone"), CreateMode.PERSISTENT);
        watching.sync.get("/closed", watching.watcher("get"));
        watching.sync.children("/closed", watching.watcher("children"));
        watching.sync.exists("/closed", watching.watcher("exists"));
        changing.sync.create("/closed/x", null);
        changing.sync.set("/closed", "x", -1);
        watching.settle();
        changing.sync.setAcl("/closed", OPEN, -1);
        watching.sync.get("/closed", watching.watcher("get"));
        watching.sync.children("/closed", watching.watcher("children"));
        changing.sync.setAcl("/closed", acl(Perms.ALL & ~Perms.READ, "world", "anyone"), -1);
        changing.sync.set("/closed", "y", -1);
        changing.sync.delete("/closed/x", -1);
        watching.settle();
    }

    void watchOrder() throws Exception {
        Client watching = open("a");
        Client changing = open("b");
        changing.sync.create("/order", "0");
        eventBeforeReply(watching, changing);
        ownChanges(watching);
        neverLate(watching, changing);
        manyChanges(watching, changing);
        endOfASession(watching);
    }

    /** What reaches the session's one event thread, in order: events and callbacks. */
    private static final class Order {
        private final List<Object> seen = Collections.synchronizedList(new ArrayList<>());

        Watcher watcher(String name) {
            return event -> {
                if (event.getType() != EventType.None) {
                    seen.add(Arrays.asList(name, Trace.eventFields(event)));
                }
            };
        }

        void get(Client client, String path, CountDownLatch answered) {
            client.zk.getData(path, false, (code, about, context, data, stat) -> {
                seen.add("get " + about + " " + code + " " + (data == null ? null : Trace.json(data)));
                answered.countDown();
            }, null);
        }

        void getAndWait(Client client, String path) throws Exception {
            CountDownLatch answered = new CountDownLatch(1);
            get(client, path, answered);
            waitFor(answered);
        }

        void show() {
            for (Object each : seen) {
                Trace.say("in order", each);
            }
        }
    }

    private static void eventBeforeReply(Client watching, Client changing) throws Exception {
        Order order = new Order();
        for (int round = 0; round < 20; round++) {
            watching.zk.getData("/order", order.watcher("data"), null);
            watching.zk.getChildren("/order", order.watcher("children"), null);
            changing.zk.setData("/order", Trace.bytes("v" + round), -1);
            order.getAndWait(watching, "/order");
            changing.zk.create("/order/c" + round, Trace.bytes("x"), OPEN, CreateMode.PERSISTENT);
            order.getAndWait(watching, "/order/c" + round);
        }
        order.show();
    }

    /** A session's own pipelined changes: the event comes before the reply of the change itself. */
    private static void ownChanges(Client watching) throws Exception {
        Order order = new Order();
        CountDownLatch answered = new CountDownLatch(30);
        for (int round = 0; round < 10; round++) {
            String path = "/order/own" + round;
            watching.zk.exists(path, order.watcher("exists"), (code, about, context, stat) ->
                    order.seen.add("exists " + about + " " + code), null);
            watching.zk.create(path, Trace.bytes("x"), OPEN, CreateMode.PERSISTENT, (code, about, context, name) -> {
                order.seen.add("create " + about + " " + code);
                answered.countDown();
            }, null);
            order.get(watching, path, answered);
            watching.zk.delete(path, 0, (code, about, context) -> {
                order.seen.add("delete " + about + " " + code);
                answered.countDown();
            }, null);
        }
        waitFor(answered);
        order.show();
    }

    /** Reads race with a writer: none may show a change whose event has not come yet. */
    private static void neverLate(Client watching, Client changing) throws Exception {
        changing.sync.create("/race", "0");
        AtomicInteger told = new AtomicInteger();
        AtomicInteger late = new AtomicInteger();
        for (int round = 1; round <= 200; round++) {
            int goal = round;
            CountDownLatch reached = new CountDownLatch(1);
            watching.zk.getData("/race", event -> told.set(goal), null);
            changing.zk.setData("/race", Trace.bytes(String.valueOf(goal)), -1, (code, path, context, stat) -> {}, null);
            while (reached.getCount() > 0) {
                CountDownLatch answered = new CountDownLatch(1);
                watching.zk.getData("/race", false, (code, path, context, data, stat) -> {
                    if (stat.getVersion() == goal) {
                        late.addAndGet(told.get() == goal ? 0 : 1);
                        reached.countDown();
                    }
                    answered.countDown();
                }, null);
                waitFor(answered);
            }
        }
        Trace.say("reads that were ahead of their event", late.get());
    }

    private static void manyChanges(Client watching, Client changing) throws Exception {
        int count = 60;
        changing.sync.create("/many", null);
        CountDownLatch done = new CountDownLatch(count);
        for (int at = 0; at < count; at++) {
            if (at % 3 != 0) {
                changing.zk.create("/many/" + at, null, OPEN, CreateMode.PERSISTENT);
            }
            watching.zk.exists("/many/" + at, watching.watcher("w" + at));
        }
        watching.zk.getChildren("/many", watching.watcher("children"));
        for (int step = 0; step < count; step++) {
            int at = step * 7 % count;
            String path = "/many/" + at;
            if (at % 3 == 0) {
                changing.zk.create(path, null, OPEN, CreateMode.PERSISTENT,
                        (code, about, context, name) -> done.countDown(), null);
            } else if (at % 3 == 1) {
                changing.zk.setData(path, null, -1, (code, about, context, stat) -> done.countDown(), null);
            } else {
                changing.zk.delete(path, -1, (code, about, context) -> done.countDown(), null);
            }
        }
        waitFor(done);
        watching.settle();
    }

    /** What a closing session deletes is deleted in the order of a hash table: its events are sorted by path. */
    private void endOfASession(Client watching) throws Exception {
        Client mortal = open("mortal");
        mortal.sync.create("/mortal", null);
        List<WatchedEvent> deleted = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch all = new CountDownLatch(21);
        Watcher noting = event -> {
            if (event.getType() != EventType.None) {
                deleted.add(event);
                all.countDown();
            }
        };
        for (int at = 0; at < 20; at++) {
            mortal.zk.create("/mortal/" + (char) ('a' + at), null, OPEN, CreateMode.EPHEMERAL);
            watching.zk.exists("/mortal/" + (char) ('a' + at), noting);
        }
        watching.zk.getChildren("/mortal", noting);
        mortal.zk.close();
        waitFor(all);
        deleted.sort((one, other) -> one.getPath().compareTo(other.getPath()));
        for (WatchedEvent event : deleted) {
            Trace.sayEvent(watching.name, "all", event);
        }
        watching.sync.childrenAndStat("/mortal", null);
    }
}
