import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.Watcher.WatcherType;

/** Watches since 3.5: those that stay, and the removal of any. */
final class NewWatching extends Stage {
    NewWatching(String server) {
        super(server);
    }

    private static void add(Client client, String path, Watcher watcher, AddWatchMode mode) throws Exception {
        client.sync.show(() -> {
            if (watcher == client) {
                client.zk.addWatch(path, mode);
            } else {
                client.zk.addWatch(path, watcher, mode);
            }
            return "ok";
        }, "addWatch", path, mode.name());
    }

    private static void addByCallback(Client client, String path, Watcher watcher, AddWatchMode mode) throws Exception {
        client.sync.show(() -> {
            AsyncCalls.Answer<Void> answer = new AsyncCalls.Answer<>();
            client.zk.addWatch(path, watcher, mode, (code, about, context) -> answer.bring(code, about, context, null), null);
            return answer.path();
        }, "async addWatch", path, mode.name());
    }

    private static void remove(Client client, String path, Watcher watcher, WatcherType type, boolean local)
            throws Exception {
        client.sync.show(() -> {
            client.zk.removeWatches(path, watcher, type, local);
            return "ok";
        }, "removeWatches", path, type.name(), local);
    }

    private static void removeAll(Client client, String path, WatcherType type, boolean local) throws Exception {
        client.sync.show(() -> {
            client.zk.removeAllWatches(path, type, local);
            return "ok";
        }, "removeAllWatches", path, type.name(), local);
    }

    void watches() throws Exception {
        Client watching = open("c");
        Client changing = open("d");
        changing.sync.create("/n", null);
        stayingWatches(watching, changing);
        mixture(watching, changing);
        removal(watching, changing);
        removalByCallback(watching, changing);
        afterReconnect(changing);
    }

    /** Each change at the znode, below it and far below it, with a watch of each staying mode. */
    private static void stayingWatches(Client watching, Client changing) throws Exception {
        for (AddWatchMode mode : AddWatchMode.values()) {
            for (boolean isThere : new boolean[] {true, false}) {
                String path = "/n/" + mode.ordinal() + isThere;
                if (isThere) {
                    changing.sync.create(path, "0");
                }
                add(watching, path, watching.watcher(mode.name()), mode);
                addByCallback(watching, path, watching.watcher(mode.name() + " too"), mode);
                for (int round = 0; round < 2; round++) {
                    changing.sync.create(path, "0");
                    watching.settle();
                    changing.sync.set(path, "1", -1);
                    changing.sync.setAcl(path, OPEN, -1);
                    watching.settle();
                    changing.sync.create(path + "/kid", "k");
                    watching.settle();
                    changing.sync.create(path + "/kid/kid", "k", CreateMode.EPHEMERAL_SEQUENTIAL);
                    changing.sync.create(path + "/kid/other", "k");
                    watching.settle();
                    changing.sync.set(path + "/kid", "x", -1);
                    changing.sync.set(path + "/kid/other", "x", -1);
                    watching.settle();
                    changing.sync.delete(path + "/kid", -1);
                    changing.sync.multi("all", Op.delete(path + "/kid/other", -1), Op.setData(path, null, -1),
                            Op.create(path + "/kid/more", null, OPEN, CreateMode.PERSISTENT),
                            Op.delete(path + "/kid/more", 0));
                    watching.settle();
                    for (String name : changing.zk.getChildren(path + "/kid", false)) {
                        changing.sync.delete(path + "/kid/" + name, -1);
                    }
                    changing.sync.delete(path + "/kid", -1);
                    changing.sync.delete(path, -1);
                    watching.settle();
                }
            }
        }
        changing.sync.create("/n2", null);
        changing.sync.create("/n/container", null, CreateMode.CONTAINER);
        watching.settle();
    }

    /** Classic and staying watches of one znode, and modes that replace each other. */
    private static void mixture(Client watching, Client changing) throws Exception {
        changing.sync.create("/mix", "0");
        changing.sync.create("/mix/a", "0");
        add(watching, "/", watching.watcher("root, recursive"), AddWatchMode.PERSISTENT_RECURSIVE);
        add(watching, "/mix", watching, AddWatchMode.PERSISTENT);
        watching.sync.get("/mix", watching.watcher("get"));
        watching.sync.exists("/mix/a", watching.watcher("exists"));
        watching.sync.children("/mix", watching.watcher("children"));
        changing.sync.set("/mix", "1", -1);
        watching.settle();
        changing.sync.create("/mix/b", null);
        watching.settle();
        changing.sync.delete("/mix/a", -1);
        watching.settle();
        add(watching, "/mix", watching, AddWatchMode.PERSISTENT_RECURSIVE);
        changing.sync.create("/mix/c", null);
        changing.sync.set("/mix", "2", -1);
        watching.settle();
        add(watching, "/mix", watching, AddWatchMode.PERSISTENT);
        changing.sync.create("/mix/d", null);
        changing.sync.set("/mix/d", "1", -1);
        watching.settle();
        remove(watching, "/", watching.watcher("not this one"), WatcherType.Any, false);
        removeAll(watching, "/", WatcherType.Any, false);
        watching.settle();
        changing.sync.set("/mix/d", "2", -1);
        changing.sync.set("/mix", "3", -1);
        watching.settle();
        removeAll(watching, "/mix", WatcherType.Any, false);
        changing.sync.set("/mix", "4", -1);
        watching.settle();
        for (String bad : new String[] {"", "x", "/x/", null}) {
            add(watching, bad, watching, AddWatchMode.PERSISTENT);
            remove(watching, bad, watching, WatcherType.Any, false);
        }
    }

    private static void removal(Client watching, Client changing) throws Exception {
        int number = 0;
        for (WatcherType type : WatcherType.values()) {
            for (boolean local : new boolean[] {false, true}) {
                for (boolean all : new boolean[] {false, true}) {
                    String path = "/removed-" + number++;
                    changing.sync.create(path, "0");
                    Watcher one = watching.watcher("one");
                    Watcher two = watching.watcher("two");
                    Watcher staying = watching.watcher("staying");
                    Watcher recursive = watching.watcher("recursive");
                    watching.sync.get(path, one);
                    watching.sync.get(path, two);
                    watching.sync.children(path, one);
                    watching.sync.exists(path + "/kid", two);
                    add(watching, path, staying, AddWatchMode.PERSISTENT);
                    if (all) {
                        removeAll(watching, path, type, local);
                    } else {
                        remove(watching, path, one, type, local);
                        remove(watching, path, one, type, local);
                        remove(watching, path, staying, type, local);
                        add(watching, path, recursive, AddWatchMode.PERSISTENT_RECURSIVE);
                        remove(watching, path, recursive, type, local);
                    }
                    watching.settle();
                    changing.sync.set(path, "1", -1);
                    changing.sync.create(path + "/kid", null);
                    changing.sync.delete(path + "/kid", -1);
                    watching.settle();
                    removeAll(watching, path, type, local);
                    remove(watching, path + "/none", one, type, local);
                    changing.sync.delete(path, -1);
                    watching.settle();
                }
            }
        }
    }

    private static void removalByCallback(Client watching, Client changing) throws Exception {
        changing.sync.create("/called", "0");
        Watcher one = watching.watcher("one");
        for (WatcherType type : WatcherType.values()) {
            watching.sync.get("/called", one);
            watching.sync.children("/called", one);
            watching.sync.show(() -> {
                AsyncCalls.Answer<Void> answer = new AsyncCalls.Answer<>();
                watching.zk.removeWatches("/called", one, type, false,
                        (code, about, context) -> answer.bring(code, about, context, null), null);
                return answer.path();
            }, "async removeWatches", "/called", type.name());
            watching.settle();
            watching.sync.show(() -> {
                AsyncCalls.Answer<Void> answer = new AsyncCalls.Answer<>();
                watching.zk.removeAllWatches("/called", type, false,
                        (code, about, context) -> answer.bring(code, about, context, null), null);
                return answer.path();
            }, "async removeAllWatches", "/called", type.name());
            watching.settle();
            changing.sync.set("/called", type.name(), -1);
            watching.settle();
        }
    }

    /** Staying watches are set again on a new connection; what happened meanwhile is not told by them. */
    private void afterReconnect(Client changing) throws Exception {
        Relay wire = new Relay(server);
        Client watching = connected(new Client("away", wire.address(), TIMEOUT_MS));
        changing.sync.create("/far", "0");
        changing.sync.create("/far/a", "0");
        add(watching, "/far", watching.watcher("staying"), AddWatchMode.PERSISTENT);
        add(watching, "/far", watching.watcher("recursive"), AddWatchMode.PERSISTENT_RECURSIVE);
        add(watching, "/far/a", watching.watcher("a"), AddWatchMode.PERSISTENT);
        watching.sync.exists("/far/b", watching.watcher("exists"));
        wire.cut();
        watching.until(KeeperState.Disconnected);
        changing.sync.set("/far", "1", -1);
        changing.sync.set("/far/a", "1", -1);
        changing.sync.create("/far/b", null);
        wire.mend();
        watching.until(KeeperState.SyncConnected);
        watching.settle();
        changing.sync.set("/far", "2", -1);
        changing.sync.set("/far/a", "2", -1);
        changing.sync.create("/far/c", null);
        watching.settle();
        watching.zk.close();
    }

    /** A session with staying watches gets its events in the order of the changes. */
    void watchOrder() throws Exception {
        Client watching = open("c");
        Client changing = open("d");
        add(watching, "/", watching, AddWatchMode.PERSISTENT_RECURSIVE);
        changing.sync.create("/flow", null);
        for (int at = 0; at < 50; at++) {
            String path = "/flow/" + at;
            changing.zk.create(path, null, OPEN, CreateMode.PERSISTENT, (code, about, context, name) -> {}, null);
            changing.zk.setData(path, null, 0, (code, about, context, stat) -> {}, null);
            changing.zk.delete("/flow/" + (at / 2), -1, (code, about, context) -> {}, null);
        }
        changing.sync.sync("/flow");
        watching.settle();
        changing.sync.childrenAndStat("/flow", null);
    }
}
