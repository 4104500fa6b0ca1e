import org.apache.zookeeper.CreateMode;

/** Znodes by themselves: what can be done with one, the ways to create one, and the names it can have. */
final class Znodes extends Stage {
    Znodes(String server) {
        super(server);
    }

    void crud() throws Exception {
        Client client = open("a");
        for (Calls calls : new Calls[] {client.sync, client.async}) {
            String root = calls == client.sync ? "/waits" : "/called-back";
            calls.create(root, "root");
            oneZnode(calls, root);
            versions(calls, root);
            emptyAndNull(calls, root);
            parents(calls, root);
            badPaths(calls, root);
            calls.look(root);
        }
        rootAndSystem(client.sync);
    }

    private static void oneZnode(Calls calls, String root) throws Exception {
        String path = root + "/one";
        calls.exists(path);
        calls.get(path);
        calls.set(path, "x", -1);
        calls.children(path);
        calls.childrenAndStat(path, null);
        calls.getAcl(path);
        calls.setAcl(path, OPEN, -1);
        calls.delete(path, -1);
        calls.sync(path);
        calls.create(path, "first");
        calls.create(path, "again");
        calls.exists(path);
        calls.look(path);
        calls.exists(root);
        calls.delete(path, -1);
        calls.exists(path);
        calls.exists(root);
        calls.create(path, "second");
        calls.exists(path);
        calls.sync(path);
    }

    private static void versions(Calls calls, String root) throws Exception {
        String path = root + "/versions";
        calls.create(path, "0");
        for (int version : new int[] {0, 0, 1, 7, -1, -2, Integer.MIN_VALUE, Integer.MAX_VALUE, 3}) {
            calls.set(path, "by " + version, version);
            calls.exists(path);
        }
        for (int version : new int[] {0, 1, -1, 5, -2}) {
            calls.setAcl(path, OPEN, version);
            calls.getAcl(path);
        }
        for (int version : new int[] {0, 99, -2, 4}) {
            calls.delete(path, version);
            calls.exists(path);
        }
    }

    private static void emptyAndNull(Calls calls, String root) throws Exception {
        String[] contents = {null, "", "text", null, "", "\u0000\u0001"};
        for (int at = 0; at < contents.length; at++) {
            calls.create(root + "/content-" + at, contents[at]);
            calls.get(root + "/content-" + at);
        }
        for (String content : contents) {
            calls.set(root + "/content-0", content, -1);
            calls.get(root + "/content-0");
        }
        calls.set(root + "/content-0", new byte[] {(byte) 0xff, 0, (byte) 0x80, 10, 13}, -1);
        calls.get(root + "/content-0");
    }

    private static void parents(Calls calls, String root) throws Exception {
        calls.create(root + "/none/child", "x");
        calls.create(root + "/parent", "p");
        for (String child : new String[] {"b", "a", "c"}) {
            calls.create(root + "/parent/" + child, child);
            calls.exists(root + "/parent");
        }
        calls.create(root + "/parent/a/deep", "d");
        calls.look(root + "/parent");
        calls.delete(root + "/parent", -1);
        calls.delete(root + "/parent", 0);
        calls.delete(root + "/parent", 1);
        calls.delete(root + "/parent/a", -1);
        calls.set(root + "/parent/b", "changed", -1);
        calls.exists(root + "/parent");
        calls.delete(root + "/parent/a/deep", 0);
        for (String child : new String[] {"a", "b", "c"}) {
            calls.delete(root + "/parent/" + child, -1);
            calls.childrenAndStat(root + "/parent", null);
        }
        calls.delete(root + "/parent", 0);
        calls.create(root + "/mortal", "m", CreateMode.EPHEMERAL);
        calls.create(root + "/mortal/child", "x");
        calls.create(root + "/mortal/child", "x", CreateMode.EPHEMERAL_SEQUENTIAL);
        calls.children(root + "/mortal");
        calls.set(root + "/mortal", "changed", 0);
        calls.look(root + "/mortal");
        calls.delete(root + "/mortal", 1);
    }

    private static void badPaths(Calls calls, String root) throws Exception {
        String[] tails = {"/", "//", "/a/", "//a", "/a//b", "/.", "/..", "/./a", "/../a", "/a/.", "/...", "/a.b", "/\u0000"};
        for (String tail : tails) {
            calls.create(root + tail, "x");
            calls.exists(root + tail);
            calls.get(root + tail);
            calls.set(root + tail, "y", -1);
            calls.children(root + tail);
            calls.getAcl(root + tail);
            calls.delete(root + tail, -1);
        }
        for (String path : new String[] {"", "a", "a/b", null}) {
            calls.create(path, "x");
            calls.get(path);
            calls.delete(path, -1);
        }
    }

    /** The root and what every server has below it. */
    private static void rootAndSystem(Calls calls) throws Exception {
        calls.create("/", "x");
        calls.look("/");
        calls.set("/", "the root", -1);
        calls.set("/", "the root", 5);
        calls.get("/");
        calls.delete("/", -1);
        calls.look("/zookeeper");
        calls.look("/zookeeper/quota");
        calls.look("/zookeeper/config");
        calls.create("/zookeeper", "x");
        calls.create("/zookeeper/mine", "x");
        calls.look("/zookeeper/mine");
        calls.set("/zookeeper/config", "x", -1);
        calls.set("/zookeeper", "x", -1);
        calls.delete("/zookeeper/config", -1);
        calls.delete("/zookeeper/quota", -1);
        calls.delete("/zookeeper/mine", -1);
        calls.delete("/zookeeper", -1);
        calls.childrenAndStat("/zookeeper", null);
        calls.sync("/");
    }

    void createModes() throws Exception {
        Client one = open("a");
        Client other = open("b");
        CreateMode[] modes = {
            CreateMode.PERSISTENT,
            CreateMode.PERSISTENT_SEQUENTIAL,
            CreateMode.EPHEMERAL,
            CreateMode.EPHEMERAL_SEQUENTIAL
        };
        for (Calls calls : new Calls[] {one.sync, one.async, other.sync}) {
            String root = "/modes-" + (calls == one.sync ? "1" : calls == one.async ? "2" : "3");
            calls.create(root, null);
            for (CreateMode mode : modes) {
                String created = calls.create(root + "/" + mode.toFlag() + "-", "data", mode);
                calls.look(created);
                for (CreateMode below : modes) {
                    String child = calls.create(created + "/child-", null, below);
                    calls.exists(child == null ? created : child);
                }
                calls.create(root + "/" + mode.toFlag() + "-", "data", mode);
                calls.create(root + "/none/" + mode.toFlag() + "-", "data", mode);
            }
            calls.childrenAndStat(root, null);
        }
        counters(one.sync);
        one.zk.close();
        other.sync.childrenAndStat("/modes-1", null);
        other.sync.childrenAndStat("/modes-3", null);
    }

    /** The counter of a parent is its count of changes among children. */
    private static void counters(Calls calls) throws Exception {
        calls.create("/counters", null);
        for (int round = 0; round < 3; round++) {
            String created = calls.create("/counters/n-", null, CreateMode.PERSISTENT_SEQUENTIAL);
            calls.create("/counters/m-", null, CreateMode.EPHEMERAL_SEQUENTIAL);
            calls.create("/counters/", null, CreateMode.PERSISTENT_SEQUENTIAL);
            calls.create("/counters/plain-" + round, null);
            calls.delete(created, -1);
            calls.delete("/counters/plain-" + round, -1);
            calls.childrenAndStat("/counters", null);
        }
        String last = calls.create("/counters/deep", null, CreateMode.PERSISTENT_SEQUENTIAL);
        calls.create(last + "/", null, CreateMode.PERSISTENT_SEQUENTIAL);
        calls.create(last + "/", null, CreateMode.EPHEMERAL_SEQUENTIAL);
        calls.childrenAndStat(last, null);
        calls.create("/", null, CreateMode.PERSISTENT_SEQUENTIAL);
        calls.create("/top-", null, CreateMode.EPHEMERAL_SEQUENTIAL);
        calls.create("/top-0000000000", null);
        calls.childrenAndStat("/", null);
    }

    void unicode() throws Exception {
        Client client = open("a");
        Client other = open("b");
        String[] names = {
            "gr\u00fc\u00dfe", "\u0437\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439", "\u4f60\u597d",
            "\u0645\u0631\u062d\u0628\u0627", "\u05e9\u05dc\u05d5\u05dd", "\u0928\u092e\u0938\u094d\u0924\u0947",
            "e\u0301", "\u00e9", "\uac00", "\u1112\u1161\u11ab", "a b", "tab\tand", "\u001f", "\u007f", "\u009f",
            "\u00a0", "\u200b", "\u2028", "\ud7ff", "\ud83d\ude00", "\ud800", "\udc00", "\ue000", "\uf8ff", "\uf900",
            "\uffef", "\ufff0", "\ufffd", "\uffff", "%2F", "\\", "\"quoted\"", "*", "?", "{}", "..x"
        };
        for (Calls calls : new Calls[] {client.sync, client.async}) {
            String root = calls == client.sync ? "/letters" : "/signs";
            calls.create(root, names[0]);
            for (String name : names) {
                String path = root + "/" + name;
                calls.create(path, name);
                calls.look(path);
                calls.set(path, name + name, -1);
                calls.create(path + "/" + name + "-", null, CreateMode.PERSISTENT_SEQUENTIAL);
                calls.children(path);
            }
            calls.childrenAndStat(root, null);
            other.sync.children(root, other.watcher("children"));
            for (String name : names) {
                other.sync.exists(root + "/" + name, other);
                calls.set(root + "/" + name, "seen", -1);
                other.settle();
            }
        }
        other.sync.create("/identities", null);
        identities();
    }

    /** Identities are texts as well. */
    private void identities() throws Exception {
        for (String user : new String[] {"j\u00fcrgen", "\u4f60", "\ud83d\ude00", "a b"}) {
            Client client = open("user");
            client.sync.create("/identities/" + user.hashCode(), null, acl(31, "digest", user + ":x"), CreateMode.PERSISTENT);
            client.sync.getAcl("/identities/" + user.hashCode());
            client.zk.addAuthInfo("digest", Trace.bytes(user + ":p\u00e4ss"));
            client.sync.create("/identities/own-" + user.hashCode(), null, acl(31, "auth", ""), CreateMode.PERSISTENT);
            client.sync.getAcl("/identities/own-" + user.hashCode());
        }
    }
}
