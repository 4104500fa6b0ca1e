import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.admin.ZooKeeperAdmin;
import org.apache.zookeeper.data.ClientInfo;
import org.apache.zookeeper.data.Stat;

/** What clients since 3.5 can do with znodes: Stats of creates, containers, TTLs, counts, reads in a multi. */
final class NewZnodes extends Stage {
    NewZnodes(String server) {
        super(server);
    }

    /** What {@link Trace} cannot know of, because the old client does not have it. */
    static Object describe(Object value) {
        if (value instanceof WatchedEvent) {
            return ((WatchedEvent) value).getZxid();
        }
        if (value instanceof OpResult.CreateResult && ((OpResult.CreateResult) value).getStat() != null) {
            OpResult.CreateResult result = (OpResult.CreateResult) value;
            return Trace.record("result", "create2", "path", result.getPath(), "stat", result.getStat());
        }
        if (value instanceof OpResult.GetDataResult) {
            OpResult.GetDataResult result = (OpResult.GetDataResult) value;
            return Trace.record("result", "get", "data", result.getData(), "stat", result.getStat());
        }
        if (value instanceof OpResult.GetChildrenResult) {
            List<String> names = ((OpResult.GetChildrenResult) value).getChildren();
            return Trace.record("result", "children", "names", Calls.sorted(names));
        }
        if (value instanceof ClientInfo) {
            return Trace.record("scheme", ((ClientInfo) value).getAuthScheme(), "user", ((ClientInfo) value).getUser());
        }
        return null;
    }

    /** A create that brings the new znode's Stat; waiting, or with a callback. */
    private static String createWithStat(Client client, boolean waits, String path, CreateMode mode, long ttlMs)
            throws Exception {
        byte[] data = Trace.bytes("data");
        List<Object> both = client.sync.show(() -> {
            if (waits) {
                Stat stat = new Stat();
                return Arrays.asList(client.zk.create(path, data, OPEN, mode, stat, ttlMs), stat);
            }
            AsyncCalls.Answer<List<Object>> answer = new AsyncCalls.Answer<>();
            client.zk.create(path, data, OPEN, mode, (code, about, context, name, stat) ->
                    answer.bring(code, about, context, Arrays.asList(name, stat)), null, ttlMs);
            return answer.value();
        }, waits ? "create2" : "async create2", path, mode.name(), ttlMs);
        return both == null ? null : (String) both.get(0);
    }

    void createModes() throws Exception {
        Client client = open("new");
        client.sync.create("/new", null);
        for (CreateMode mode : CreateMode.values()) {
            for (boolean waits : new boolean[] {true, false}) {
                long ttlMs = mode.isTTL() ? 100_000 : -1;
                String created = createWithStat(client, waits, "/new/" + mode.toFlag() + "-" + waits, mode, ttlMs);
                if (created == null) {
                    continue;
                }
                client.sync.look(created);
                createWithStat(client, waits, "/new/" + mode.toFlag() + "-" + waits, mode, ttlMs);
                for (CreateMode below : CreateMode.values()) {
                    createWithStat(client, waits, created + "/c-", below, below.isTTL() ? 1_000_000 : -1);
                }
                client.sync.look(created);
            }
        }
        client.sync.multi("each mode",
                Op.create("/new/m-container", null, OPEN, CreateMode.CONTAINER),
                Op.create("/new/m-ttl", null, OPEN, CreateMode.PERSISTENT_WITH_TTL, 100_000),
                Op.create("/new/m-ttl-", null, OPEN, CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL, 100_000),
                Op.create("/new/m-container/inside", null, OPEN, CreateMode.EPHEMERAL));
        client.sync.look("/new/m-container");
        client.sync.look("/new/m-ttl");
        counts(client);
    }

    private void counts(Client client) throws Exception {
        Client other = open("other");
        other.sync.create("/new/of-another", null, CreateMode.EPHEMERAL);
        for (String path : new String[] {"/", "/new", "/new/m-container", "/new/of-another", "/none", "/zookeeper", "bad"}) {
            client.sync.show(() -> client.zk.getAllChildrenNumber(path), "allChildrenNumber", path);
            client.sync.show(() -> {
                AsyncCalls.Answer<Integer> answer = new AsyncCalls.Answer<>();
                client.zk.getAllChildrenNumber(path, answer::bring, null);
                return answer.value();
            }, "async allChildrenNumber", path);
        }
        for (Client each : new Client[] {client, other}) {
            for (String prefix : new String[] {"/", "/new", "/new/m", "/ne", "/none", ""}) {
                each.sync.show(() -> Calls.sorted(each.zk.getEphemerals(prefix)), "ephemerals", prefix);
            }
            each.sync.show(() -> Calls.sorted(each.zk.getEphemerals()), "ephemerals");
            each.sync.show(() -> {
                AsyncCalls.Answer<List<String>> answer = new AsyncCalls.Answer<>();
                each.zk.getEphemerals((code, context, paths) -> answer.bring(code, null, context, paths), null);
                return Calls.sorted(answer.value());
            }, "async ephemerals");
            each.sync.show(() -> {
                AsyncCalls.Answer<List<String>> answer = new AsyncCalls.Answer<>();
                each.zk.getEphemerals("/new/m-container/inside",
                        (code, context, paths) -> answer.bring(code, null, context, paths), null);
                return Calls.sorted(answer.value());
            }, "async ephemerals below");
        }
        client.sync.show(() -> {
            client.zk.sync("/new");
            return "ok";
        }, "sync that waits");
    }

    /** The configuration of the ensemble, which a server that stands alone keeps but does not change. */
    void configuration() throws Exception {
        Client client = open("new");
        for (Watcher watcher : new Watcher[] {null, client, client.watcher("configuration")}) {
            client.sync.show(() -> {
                Stat stat = new Stat();
                return Arrays.asList(client.zk.getConfig(watcher, stat), stat);
            }, "getConfig");
            client.sync.show(() -> {
                AsyncCalls.Answer<List<Object>> answer = new AsyncCalls.Answer<>();
                client.zk.getConfig(watcher, (code, path, context, data, stat) ->
                        answer.bring(code, path, context, Arrays.asList(path, data, stat)), null);
                return answer.value();
            }, "async getConfig");
        }
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeperAdmin admin = new ZooKeeperAdmin(server, TIMEOUT_MS, event -> connected.countDown());
        waitFor(connected);
        String[][] changes = {
            {"server.2=127.0.0.1:1:2;3", null, null}, {null, "1", null},
            {null, null, "server.1=127.0.0.1:1:2;3"}, {null, null, null}
        };
        for (String identity : new String[] {"someone:x", "super:test"}) {
            admin.addAuthInfo("digest", Trace.bytes(identity));
            for (String[] change : changes) {
                client.sync.show(() -> {
                    Stat stat = new Stat();
                    return Arrays.asList(admin.reconfigure(change[0], change[1], change[2], -1, stat), stat);
                }, "reconfigure", identity, Arrays.asList(change));
            }
        }
        client.sync.multi("of the configuration",
                Op.check("/zookeeper/config", -1), Op.setData("/zookeeper/config", null, -1));
        admin.close();
    }

    void multi() throws Exception {
        Client client = open("new");
        client.sync.create("/reads", "r");
        client.sync.create("/reads/a", "1");
        client.sync.create("/reads/b", null);
        client.sync.create("/reads/closed", Trace.bytes("x"), acl(Perms.WRITE, "world", "anyone"), CreateMode.PERSISTENT);
        for (Calls calls : new Calls[] {client.sync, client.async}) {
            calls.multi("one read", Op.getData("/reads/a"));
            calls.multi("children", Op.getChildren("/reads"), Op.getChildren("/reads/a"));
            calls.multi("reads", Op.getData("/reads"), Op.getChildren("/"), Op.getData("/reads/b"), Op.getData("/reads/a"));
            calls.multi("each error", Op.getData("/none"), Op.getData("/reads/closed"), Op.getChildren("/none"),
                    Op.getChildren("/reads/closed"), Op.getData("/reads/a"), Op.getData("/zookeeper/config"));
            calls.multi("same twice", Op.getData("/reads/a"), Op.getData("/reads/a"));
            Op[] many = new Op[300];
            for (int at = 0; at < many.length; at++) {
                many[at] = at % 2 == 0 ? Op.getData("/reads/a") : Op.getChildren("/reads");
            }
            calls.multi("many reads", many);
            calls.multi("a read among writes", Op.setData("/reads/a", Trace.bytes("2"), -1), Op.getData("/reads/a"));
            calls.multi("a write among reads", Op.getData("/reads/a"), Op.setData("/reads/a", Trace.bytes("2"), -1));
        }
        client.sync.look("/reads/a");
        List<Op> ops = new ArrayList<>();
        ops.add(Op.create("/reads/ttl", null, OPEN, CreateMode.PERSISTENT_WITH_TTL, 10_000));
        try {
            Trace.say("TTL", client.zk.multi(ops));
        } catch (KeeperException error) {
            Trace.say("TTL, while it is switched off", error, error.getResults());
        }
        createWithStat(client, true, "/reads/ttl", CreateMode.PERSISTENT_WITH_TTL, 10_000);
        createWithStat(client, false, "/reads/ttl", CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL, 10_000);
        createWithStat(client, true, "/reads/container", CreateMode.CONTAINER, -1);
    }

    void whoAmI() throws Exception {
        Client client = open("who");
        String[] identities = {null, "carol:1", "dave:2", "carol:1", "carol:3", "super:wrong", "super:test"};
        for (String identity : identities) {
            if (identity != null) {
                client.zk.addAuthInfo("digest", Trace.bytes(identity));
            }
            List<ClientInfo> infos = new ArrayList<>(client.zk.whoAmI());
            infos.sort((one, other) -> one.toString().compareTo(other.toString()));
            Trace.say("whoAmI", identity, infos);
        }
        client.sync.create("/whose", null, Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
    }

    void chroot() throws Exception {
        Client outside = open("outside too");
        outside.sync.create("/new-realm", null);
        Client inside = connected(new Client("new inside", server + "/new-realm", TIMEOUT_MS));
        createWithStat(inside, true, "/a", CreateMode.EPHEMERAL, -1);
        createWithStat(inside, false, "/b-", CreateMode.EPHEMERAL_SEQUENTIAL, -1);
        createWithStat(inside, true, "/c", CreateMode.CONTAINER, -1);
        inside.sync.multi("create2", Op.create("/c/d", null, OPEN, CreateMode.CONTAINER), Op.delete("/c/d", 0));
        inside.sync.multi("reads", Op.getData("/a"), Op.getChildren("/"), Op.getData("/new-realm"));
        for (String path : new String[] {"/", "/a", "/none"}) {
            inside.sync.show(() -> inside.zk.getAllChildrenNumber(path), "allChildrenNumber", path);
            inside.sync.show(() -> Calls.sorted(inside.zk.getEphemerals(path)), "ephemerals", path);
        }
        inside.sync.show(() -> Calls.sorted(inside.zk.getEphemerals()), "ephemerals");
        outside.sync.show(() -> Calls.sorted(outside.zk.getEphemerals()), "ephemerals");
    }

    void ttlAndContainers() throws Exception {
        Client client = open("a");
        Client watching = open("b");
        client.sync.create("/t", null);
        CreateMode[] modes = {
            CreateMode.PERSISTENT_WITH_TTL, CreateMode.PERSISTENT, CreateMode.EPHEMERAL, CreateMode.CONTAINER
        };
        for (long ttlMs : new long[] {0, -1, -2, 1, 0xffffffffffL, 0x10000000000L, Long.MAX_VALUE, Long.MIN_VALUE}) {
            for (CreateMode mode : modes) {
                for (boolean waits : new boolean[] {true, false}) {
                    String path = "/t/" + ttlMs + "-" + mode.toFlag() + "-" + waits;
                    String created = createWithStat(client, waits, path, mode, ttlMs);
                    if (created != null && ttlMs != 1) {
                        client.sync.exists(path);
                        client.sync.delete(path, 0);
                    }
                }
            }
        }
        containers(client, watching);
        timesToLive(client, watching);
        eventually("nothing of a TTL of 1 ms is left", () -> {
            List<String> names = client.zk.getChildren("/t", false);
            return names.stream().noneMatch(name -> name.startsWith("1-5"));
        });
        client.sync.children("/t");
    }

    /** A container goes when its last child has gone; one that never had a child stays. */
    private static void containers(Client client, Client watching) throws Exception {
        createWithStat(client, true, "/t/unused", CreateMode.CONTAINER, -1);
        createWithStat(client, false, "/t/used", CreateMode.CONTAINER, -1);
        createWithStat(client, false, "/t/full", CreateMode.CONTAINER, -1);
        client.sync.create("/t/full/child", null);
        client.sync.create("/t/used/one", null);
        client.sync.create("/t/used/two", null, CreateMode.EPHEMERAL);
        client.sync.look("/t/used");
        createWithStat(client, true, "/t/used/nested", CreateMode.CONTAINER, -1);
        client.sync.create("/t/used/nested/child", null);
        client.sync.delete("/t/used/one", -1);
        client.sync.delete("/t/used/two", -1);
        watching.sync.exists("/t/used", watching);
        watching.sync.exists("/t/used/nested", watching.watcher("nested"));
        client.sync.set("/t/used", "still here", -1);
        watching.settle();
        watching.sync.get("/t/used", watching);
        client.sync.delete("/t/used/nested/child", -1);
        watching.await(2);
        watching.settle();
        client.sync.exists("/t/used");
        client.sync.exists("/t/unused");
        client.sync.exists("/t/full");
        client.sync.delete("/t/unused", 0);
    }

    /** A TTL znode goes when it has been left alone for its time and has no children; a change starts the time anew. */
    private static void timesToLive(Client client, Client watching) throws Exception {
        createWithStat(client, true, "/t/long", CreateMode.PERSISTENT_WITH_TTL, 100_000);
        createWithStat(client, true, "/t/short", CreateMode.PERSISTENT_WITH_TTL, 300);
        createWithStat(client, false, "/t/short-", CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL, 300);
        createWithStat(client, true, "/t/parent", CreateMode.PERSISTENT_WITH_TTL, 300);
        client.sync.create("/t/parent/child", null);
        watching.zk.exists("/t/short", watching);
        watching.await(1);
        String sequential = "/t/short-0000000000";
        eventually("the other short one is gone", () -> {
            List<String> names = client.zk.getChildren("/t", false);
            return names.stream().noneMatch(name -> name.startsWith("short-"));
        });
        client.sync.exists("/t/short");
        client.sync.exists(sequential);
        client.sync.exists("/t/parent");
        client.sync.look("/t/long");
        watching.zk.exists("/t/parent", watching.watcher("parent"));
        client.sync.delete("/t/parent/child", -1);
        watching.await(1);
        client.sync.exists("/t/parent");
    }

    void manyChildren() throws Exception {
        Client client = open("counting");
        client.sync.create("/counted", null);
        for (int at = 0; at < 500; at++) {
            client.zk.create("/counted/" + at, null, OPEN, CreateMode.EPHEMERAL, (code, path, context, name) -> {}, null);
        }
        client.sync.sync("/counted");
        client.sync.show(() -> client.zk.getAllChildrenNumber("/counted"), "allChildrenNumber", "/counted");
        client.sync.show(() -> client.zk.getEphemerals().size(), "ephemerals");
        client.sync.show(() -> client.zk.getEphemerals("/counted/49").size(), "ephemerals", "/counted/49");
    }
}
