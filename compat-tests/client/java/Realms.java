import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.ZooDefs.Perms;

/** Parts of the tree by themselves: those that a client takes for its root, and those with a quota. */
final class Realms extends Stage {
    Realms(String server) {
        super(server);
    }

    void chroot() throws Exception {
        Client outside = open("outside");
        outside.sync.create("/realm", "r");
        outside.sync.create("/realm/inner", "i");
        for (String root : new String[] {"/realm", "/realm/inner"}) {
            Client inside = connected(new Client("inside" + root, server + root, TIMEOUT_MS));
            for (Calls calls : new Calls[] {inside.sync, inside.async}) {
                within(inside, calls, calls == inside.sync ? "/a" : "/b");
            }
            watched(inside, outside, root);
            inside.zk.close();
            outside.sync.childrenAndStat(root, null);
        }
        noSuchRoot(outside);
        for (String bad : new String[] {"//x", "/x/", "/./x", "/x//y"}) {
            outside.sync.show(() -> new Client("bad", server + bad, TIMEOUT_MS).name, "a chroot of", bad);
        }
    }

    private static void within(Client inside, Calls calls, String path) throws Exception {
        calls.look("/");
        calls.create(path, "x");
        calls.create(path, "x");
        calls.create(path + "/s-", null, CreateMode.PERSISTENT_SEQUENTIAL);
        calls.create(path + "/", null, CreateMode.EPHEMERAL_SEQUENTIAL);
        calls.create("/none/x", null);
        calls.exists(path);
        calls.look(path);
        calls.set(path, "y", 0);
        calls.set(path, "y", 0);
        calls.sync(path);
        calls.delete(path, -1);
        calls.setAcl(path, OPEN, 0);
        calls.multi("inside",
                Op.create(path + "/m", null, OPEN, CreateMode.PERSISTENT),
                Op.create(path + "/q-", null, OPEN, CreateMode.EPHEMERAL_SEQUENTIAL),
                Op.setData(path, Trace.bytes("z"), 1),
                Op.check("/", -1));
        calls.multi("fails inside", Op.delete(path + "/m", 0), Op.check(path, 0));
        calls.childrenAndStat(path, null);
        calls.exists("/realm");
        calls.exists("/zookeeper");
        Trace.say("state", inside.zk.getState());
    }

    /** Events have paths as their client sees them. */
    private static void watched(Client inside, Client outside, String root) throws Exception {
        inside.sync.get("/a", inside);
        inside.sync.children("/", inside.watcher("children of the root"));
        inside.sync.get("/", inside.watcher("the root"));
        inside.async.exists("/later", inside.watcher("later"));
        outside.sync.set(root + "/a", "from outside", -1);
        inside.settle();
        outside.sync.create(root + "/later", "l");
        inside.settle();
        outside.sync.set(root, "from outside", -1);
        inside.settle();
        inside.sync.children("/a", inside.watcher("children of a"));
        outside.sync.get(root + "/later", outside);
        inside.sync.set("/later", "from inside", -1);
        outside.settle();
        outside.sync.delete(root + "/later", -1);
        inside.sync.create("/a/more", null);
        inside.settle();
    }

    private void noSuchRoot(Client outside) throws Exception {
        Client lost = connected(new Client("lost", server + "/not/there", TIMEOUT_MS));
        lost.sync.exists("/");
        lost.sync.look("/");
        lost.sync.create("/x", "x");
        lost.sync.create("/", "x");
        lost.sync.exists("/", lost);
        outside.sync.create("/not", null);
        lost.sync.create("/", "made from inside");
        lost.settle();
        lost.sync.create("/x", "x");
        lost.sync.delete("/x", -1);
        lost.sync.delete("/", -1);
        outside.sync.exists("/not/there");
        outside.sync.childrenAndStat("/", null);
    }

    /** Quotas are znodes that the console's setquota would create. */
    void quotas() throws Exception {
        Client client = open("a");
        client.sync.create("/counted", "12345");
        client.sync.create("/counted/before", "123");
        quota(client, "/counted", "count=4,bytes=20");
        statistics(client, "/counted");
        growth(client, "/counted", 3);
        client.sync.create("/hard", "12345");
        client.sync.create("/hard/before", "123");
        quota(client, "/hard", "count=-1,bytes=-1=;byteHardLimit=20;countHardLimit=4");
        statistics(client, "/hard");
        growth(client, "/hard", 3);
        hardLimits(client);
        nested(client);
        oddLimits(client);
        client.sync.childrenAndStat("/zookeeper/quota", null);
        client.sync.look("/zookeeper/quota/hard");
        lifted(client);
    }

    private static void quota(Client client, String path, String limits) throws Exception {
        StringBuilder node = new StringBuilder("/zookeeper/quota");
        for (String name : path.substring(1).split("/")) {
            node.append('/').append(name);
            if (client.zk.exists(node.toString(), false) == null) {
                client.sync.create(node.toString(), null);
            }
        }
        client.sync.create(node + "/zookeeper_limits", limits);
        client.sync.create(node + "/zookeeper_stats", "count=0,bytes=0");
    }

    private static void statistics(Client client, String path) throws Exception {
        client.sync.get("/zookeeper/quota" + path + "/zookeeper_stats");
    }

    private static void growth(Client client, String path, int count) throws Exception {
        for (int at = 0; at < count; at++) {
            client.sync.create(path + "/n" + at, "1234");
            statistics(client, path);
        }
        client.async.set(path + "/n0", "1234567890", -1);
        statistics(client, path);
        client.async.set(path + "/n0", (byte[]) null, -1);
        statistics(client, path);
        client.async.create(path + "/s-", "1", CreateMode.EPHEMERAL_SEQUENTIAL);
        statistics(client, path);
        client.sync.delete(path + "/n0", -1);
        statistics(client, path);
        client.sync.childrenAndStat(path, null);
    }

    private static void hardLimits(Client client) throws Exception {
        client.sync.set("/hard", "123456789012345678901234567890", -1);
        client.async.set("/hard", "123456789012345678901234567890", -1);
        client.async.create("/hard/long", "123456789012345678901234567890", CreateMode.PERSISTENT);
        client.sync.set("/hard", "1", -1);
        statistics(client, "/hard");
        client.sync.multi("beyond the limit",
                Op.setData("/hard", Trace.bytes("22"), -1),
                Op.create("/hard/x1", null, OPEN, CreateMode.PERSISTENT),
                Op.create("/hard/x2", null, OPEN, CreateMode.PERSISTENT),
                Op.create("/hard/x3", null, OPEN, CreateMode.PERSISTENT));
        client.sync.multi("more bytes than the limit", Op.setData("/hard", new byte[100], -1), Op.check("/hard", -1));
        statistics(client, "/hard");
        client.sync.multi("within the limit",
                Op.setData("/hard", Trace.bytes("22"), -1), Op.setData("/hard/before", null, -1));
        statistics(client, "/hard");
        client.sync.childrenAndStat("/hard", null);
        client.sync.set("/zookeeper/quota/hard/zookeeper_limits", "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=6", -1);
        client.sync.create("/hard/y1", "1234567890123456789012345678901234567890");
        client.sync.create("/hard/y2", null);
        client.sync.create("/hard/y3", null);
        client.sync.create("/hard/y3/deeper", null);
        statistics(client, "/hard");
    }

    /** A subtree of a subtree with a quota: the server looks for the topmost one only, or does it? The trace tells. */
    private static void nested(Client client) throws Exception {
        client.sync.create("/nest", null);
        client.sync.create("/nest/inner", null);
        quota(client, "/nest/inner", "count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=3");
        client.sync.create("/nest/inner/a", "12345");
        client.sync.create("/nest/inner/a/b", "1234567");
        client.sync.create("/nest/inner/a/b", "12345");
        client.sync.create("/nest/other", "12345678901234567890");
        statistics(client, "/nest/inner");
        quota(client, "/nest", "count=-1,bytes=-1=;byteHardLimit=40;countHardLimit=6");
        statistics(client, "/nest");
        client.sync.create("/nest/more", "12345678901234567890");
        client.sync.create("/nest/more", "1");
        client.sync.delete("/nest/inner/a/b", -1);
        statistics(client, "/nest");
        statistics(client, "/nest/inner");
    }

    /** Limits in every spelling that the server may find there. */
    private static void oddLimits(Client client) throws Exception {
        String[] spellings = {
            "count=1,bytes=1", "count=-1,bytes=-1", "countHardLimit=1", "byteHardLimit=1,count=1", "bytes=3=;byteHardLimit=3",
        };
        for (int at = 0; at < spellings.length; at++) {
            String path = "/odd-" + at;
            client.sync.create(path, "x");
            quota(client, path, spellings[at]);
            client.sync.create(path + "/a", "1");
            client.sync.create(path + "/b", "22");
            client.sync.set(path, "333", -1);
            statistics(client, path);
        }
    }

    private static void lifted(Client client) throws Exception {
        client.sync.delete("/zookeeper/quota/hard/zookeeper_limits", -1);
        client.sync.create("/hard/lifted", new byte[50], acl(Perms.ALL, "world", "anyone"), CreateMode.PERSISTENT);
        statistics(client, "/hard");
        client.sync.delete("/zookeeper/quota/hard/zookeeper_stats", -1);
        client.sync.delete("/zookeeper/quota/hard", -1);
        client.sync.create("/hard/free", "1");
        client.sync.childrenAndStat("/zookeeper/quota", null);
        client.sync.childrenAndStat("/hard", null);
    }
}
