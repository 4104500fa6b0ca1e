import java.util.ArrayList;
import java.util.List;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.Transaction;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.data.ACL;

/** Multis: each kind of part, each failure at each place, and that nothing of a failed one is left. */
final class Transactions extends Stage {
    Transactions(String server) {
        super(server);
    }

    void multi() throws Exception {
        Client client = open("a");
        client.sync.create("/m", "root");
        parts(client.sync, "/m/waits");
        parts(client.async, "/m/called-back");
        dependentParts(client.sync);
        failures(client, client.sync);
        failures(client, client.async);
        builder(client);
        events(client);
    }

    private static Op create(String path, String data, CreateMode mode) {
        return Op.create(path, Trace.bytes(data), OPEN, mode);
    }

    private static Op create(String path) {
        return create(path, "made", CreateMode.PERSISTENT);
    }

    private static Op set(String path, String data, int version) {
        return Op.setData(path, Trace.bytes(data), version);
    }

    /** Every kind of part, alone and together. */
    private static void parts(Calls calls, String root) throws Exception {
        calls.create(root, "0");
        calls.multi("empty");
        calls.multi("create", create(root + "/a"));
        calls.multi("set", set(root + "/a", "1", 0));
        calls.multi("set to null", set(root + "/a", null, -1));
        calls.multi("check", Op.check(root + "/a", 2));
        calls.multi("check any version", Op.check(root + "/a", -1));
        calls.look(root + "/a");
        calls.multi("delete", Op.delete(root + "/a", 2));
        calls.multi("each mode",
                create(root + "/p", "p", CreateMode.PERSISTENT),
                create(root + "/e", "e", CreateMode.EPHEMERAL),
                create(root + "/ps-", null, CreateMode.PERSISTENT_SEQUENTIAL),
                create(root + "/es-", "", CreateMode.EPHEMERAL_SEQUENTIAL),
                create(root + "/", "nameless", CreateMode.PERSISTENT_SEQUENTIAL));
        calls.childrenAndStat(root, null);
        calls.look(root + "/p");
        calls.look(root + "/e");
        calls.look(root + "/ps-0000000003");
        calls.multi("all kinds",
                Op.check(root + "/p", 0),
                set(root + "/p", "changed", 0),
                create(root + "/p/child"),
                Op.delete(root + "/e", -1),
                Op.check(root, -1));
        calls.look(root + "/p");
        calls.childrenAndStat(root, null);
    }

    /** Parts that build on those before them. */
    private static void dependentParts(Calls calls) throws Exception {
        String root = "/m/chain";
        calls.create(root, "0");
        calls.multi("parent and children", create(root + "/p"), create(root + "/p/a"), create(root + "/p/a/b"));
        calls.look(root + "/p/a");
        calls.multi("versions rise", set(root, "1", 0), set(root, "2", 1), Op.check(root, 2), set(root, "3", 2));
        calls.look(root);
        calls.multi("gone and made again",
                Op.delete(root + "/p/a/b", 0), Op.delete(root + "/p/a", 0), create(root + "/p/a"),
                Op.check(root + "/p/a", 0));
        calls.look(root + "/p");
        calls.look(root + "/p/a");
        calls.multi("made and gone", create(root + "/brief"), set(root + "/brief", "x", 0), Op.delete(root + "/brief", 1));
        calls.childrenAndStat(root, null);
        calls.multi("counter",
                create(root + "/s-", null, CreateMode.PERSISTENT_SEQUENTIAL), create(root + "/plain"),
                create(root + "/s-", null, CreateMode.PERSISTENT_SEQUENTIAL), Op.delete(root + "/plain", -1),
                create(root + "/s-", null, CreateMode.EPHEMERAL_SEQUENTIAL));
        calls.childrenAndStat(root, null);
        calls.multi("made twice", create(root + "/twice"), create(root + "/twice"));
        calls.multi("deleted twice", Op.delete(root + "/p/a", -1), Op.delete(root + "/p/a", -1));
        calls.multi("child of an ephemeral of before",
                create(root + "/e", null, CreateMode.EPHEMERAL), create(root + "/e/x"));
        calls.multi("stale version", set(root + "/p", "1", 0), set(root + "/p", "2", 0));
        calls.childrenAndStat(root, null);
        Op[] many = new Op[200];
        for (int at = 0; at < many.length; at++) {
            many[at] = at % 2 == 0 ? create(root + "/many-" + at) : set(root + "/many-" + (at - 1), "v" + at, 0);
        }
        calls.multi("two hundred", many);
        calls.childrenAndStat(root, null);
    }

    /** Each failure as first, middle and last part. */
    private static void failures(Client client, Calls calls) throws Exception {
        String root = calls == client.sync ? "/m/fails" : "/m/fails-too";
        calls.create(root, "0");
        calls.create(root + "/full", "0");
        calls.create(root + "/full/child", "0");
        calls.create(root + "/mortal", "0", CreateMode.EPHEMERAL);
        calls.create(root + "/closed", Trace.bytes("0"), acl(Perms.READ, "world", "anyone"), CreateMode.PERSISTENT);
        List<ACL> none = new ArrayList<>();
        Object[][] failing = {
            {"create: there already", create(root + "/full")},
            {"create: no parent", create(root + "/none/x")},
            {"create: below an ephemeral", create(root + "/mortal/x")},
            {"create: no permission", create(root + "/closed/x")},
            {"create: no ACL", Op.create(root + "/x", null, none, 0)},
            {"create: nobody", Op.create(root + "/x", null, acl(31, "auth", ""), 0)},
            {"create: unknown scheme", Op.create(root + "/x", null, acl(31, "nonsense", "x"), 0)},
            {"delete: absent", Op.delete(root + "/none", -1)},
            {"delete: wrong version", Op.delete(root + "/mortal", 7)},
            {"delete: not empty", Op.delete(root + "/full", -1)},
            {"delete: the root", Op.delete("/", -1)},
            {"set: absent", set(root + "/none", "x", -1)},
            {"set: wrong version", set(root + "/full", "x", 7)},
            {"set: no permission", set(root + "/closed", "x", -1)},
            {"check: absent", Op.check(root + "/none", -1)},
            {"check: wrong version", Op.check(root + "/full", 7)},
        };
        for (Object[] each : failing) {
            Op bad = (Op) each[1];
            Op before = create(root + "/before");
            Op after = set(root, "after", -1);
            calls.multi(each[0] + ", alone", bad);
            calls.multi(each[0] + ", first", bad, before, after);
            calls.multi(each[0] + ", middle", before, bad, after);
            calls.multi(each[0] + ", last", before, after, bad);
            calls.childrenAndStat(root, null);
            calls.exists(root + "/full");
        }
        for (String path : new String[] {"x", "/x/", "/x//y", "/./x", ""}) {
            calls.show(() -> {
                calls.multi("bad path " + path, create(root + "/before"), create(path), set(root, "after", -1));
                return "done";
            }, "bad path", path);
        }
        calls.multi("bad flags", create(root + "/before"), Op.create(root + "/flags", null, OPEN, 9), set(root, "after", -1));
        calls.childrenAndStat(root, null);
    }

    private static void builder(Client client) throws Exception {
        Transaction transaction = client.zk.transaction();
        transaction.create("/m/built", Trace.bytes("b"), OPEN, CreateMode.PERSISTENT)
                .setData("/m/built", Trace.bytes("c"), 0).check("/m/built", 1).delete("/m/built", 1);
        client.sync.show(transaction::commit, "commit");
        Transaction failing = client.zk.transaction().check("/m", 0).delete("/m", -1);
        try {
            failing.commit();
        } catch (KeeperException error) {
            Trace.say("commit", error, error.getResults());
        }
    }

    /** Watches are told of the parts in their order. */
    private void events(Client client) throws Exception {
        Client watching = open("b");
        client.sync.create("/m/seen", "0");
        watching.sync.get("/m/seen", watching.watcher("data"));
        watching.sync.children("/m/seen", watching.watcher("children"));
        watching.sync.exists("/m/seen/x", watching.watcher("x"));
        watching.sync.exists("/m/seen/y", watching.watcher("y"));
        client.sync.multi("fails", create("/m/seen/x"), set("/m/seen", "1", -1), Op.check("/m/seen", 0));
        watching.settle();
        client.sync.multi("works",
                create("/m/seen/y"), set("/m/seen", "1", 0), create("/m/seen/x"), Op.delete("/m/seen/y", -1));
        watching.settle();
        watching.sync.look("/m/seen");
    }
}
