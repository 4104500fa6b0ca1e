import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;

/** Who may do what: every set of permissions against every call, every scheme, lists that are refused. */
final class Access extends Stage {
    private static final Id ANYONE = Ids.ANYONE_ID_UNSAFE;

    Access(String server) {
        super(server);
    }

    void acl() throws Exception {
        Client alice = open("alice");
        Client bob = open("bob");
        Client nobody = open("nobody");
        alice.zk.addAuthInfo("digest", Trace.bytes("alice:secret"));
        bob.zk.addAuthInfo("digest", Trace.bytes("bob:word"));
        lists(alice, nobody);
        Id bobsId = new Id("digest", digest("bob:word"));
        permissions(alice, bob.sync, "/bob", bobsId);
        permissions(alice, nobody.async, "/anyone", ANYONE);
        schemes(alice, bob, nobody);
        versions(alice, bob);
        moreIdentities(alice, bob);
        superUser();
        badIdentities();
    }

    /** The identity of a user and password, as the digest scheme keeps it. */
    private static String digest(String userAndPassword) throws Exception {
        byte[] hash = MessageDigest.getInstance("SHA-1").digest(Trace.bytes(userAndPassword));
        return userAndPassword.substring(0, userAndPassword.indexOf(':')) + ":" + Base64.getEncoder().encodeToString(hash);
    }

    /** Lists as they are given, and as the server keeps them. */
    private static void lists(Client alice, Client nobody) throws Exception {
        alice.sync.create("/lists", null);
        List<ACL> several = new ArrayList<>();
        several.add(new ACL(Perms.READ, ANYONE));
        several.add(new ACL(Perms.ALL, new Id("digest", digest("alice:secret"))));
        several.add(new ACL(Perms.READ, ANYONE));
        several.add(new ACL(Perms.WRITE, new Id("ip", "10.0.0.0/8")));
        List<ACL> authTwice = new ArrayList<>(acl(Perms.READ, "auth", ""));
        authTwice.addAll(acl(Perms.ALL, "auth", "ignored"));
        Object[][] lists = {
            {"open", Ids.OPEN_ACL_UNSAFE}, {"read", Ids.READ_ACL_UNSAFE}, {"creator", Ids.CREATOR_ALL_ACL},
            {"several", several}, {"auth-twice", authTwice}, {"empty", new ArrayList<ACL>()}, {"null", null},
            {"no-perms", acl(0, "world", "anyone")}, {"odd-perms", acl(32, "world", "anyone")},
            {"all-bits", acl(-1, "world", "anyone")}, {"someone", acl(31, "world", "someone")},
            {"nonsense", acl(31, "nonsense", "x")}, {"empty-scheme", acl(31, "", "x")},
            {"digest-plain", acl(31, "digest", "alice")}, {"digest-three", acl(31, "digest", "a:b:c")},
            {"digest-empty", acl(31, "digest", "")}, {"digest", acl(31, "digest", digest("alice:secret"))},
            {"ip", acl(31, "ip", "127.0.0.1")}, {"ip-net", acl(31, "ip", "127.0.0.0/8")},
            {"ip-bits", acl(31, "ip", "127.0.0.1/33")}, {"ip-name", acl(31, "ip", "localhost")},
            {"ip-six", acl(31, "ip", "::1")}, {"ip-part", acl(31, "ip", "127.0.0")}, {"ip-none", acl(31, "ip", "")},
            {"super", acl(31, "super", "test")}, {"x509", acl(31, "x509", "CN=x")}, {"sasl", acl(31, "sasl", "x")},
        };
        for (Calls calls : new Calls[] {alice.sync, nobody.async}) {
            for (Object[] each : lists) {
                @SuppressWarnings("unchecked")
                List<ACL> list = (List<ACL>) each[1];
                String path = "/lists/" + each[0] + (calls == alice.sync ? "" : "-2");
                calls.create(path, Trace.bytes("x"), list, CreateMode.PERSISTENT);
                calls.getAcl(path);
                calls.create(path + "-set", "x");
                calls.setAcl(path + "-set", list, 0);
                calls.getAcl(path + "-set");
            }
            calls.childrenAndStat("/lists", null);
        }
    }

    /** Each of the 32 sets of permissions, given to `id`, and every call that `calls` can make. */
    private static void permissions(Client owner, Calls calls, String root, Id id) throws Exception {
        owner.zk.create(root, null, OPEN, CreateMode.PERSISTENT);
        for (int perms = 0; perms < 32; perms++) {
            List<ACL> list = new ArrayList<>(Ids.CREATOR_ALL_ACL);
            list.add(new ACL(perms, id));
            String path = root + "/" + perms;
            owner.zk.create(path, Trace.bytes("x"), OPEN, CreateMode.PERSISTENT);
            owner.zk.create(path + "/kid", null, OPEN, CreateMode.PERSISTENT);
            owner.zk.setACL(path, list, -1);
            calls.exists(path);
            calls.get(path);
            calls.children(path);
            calls.childrenAndStat(path, null);
            calls.getAcl(path);
            calls.set(path, "y", -1);
            calls.create(path + "/new", "n");
            calls.create(path + "/new-", "n", CreateMode.EPHEMERAL_SEQUENTIAL);
            calls.delete(path + "/kid", -1);
            calls.setAcl(path, list, -1);
            owner.sync.look(path);
        }
    }

    private static void schemes(Client alice, Client bob, Client nobody) throws Exception {
        alice.sync.create("/schemes", null);
        Object[][] lists = {
            {"here", acl(Perms.ALL, "ip", "127.0.0.1")}, {"near", acl(Perms.ALL, "ip", "127.0.0.0/8")},
            {"far", acl(Perms.ALL, "ip", "10.1.2.3")}, {"everywhere", acl(Perms.ALL, "ip", "1.2.3.4/0")},
            {"alice", acl(Perms.ALL, "digest", digest("alice:secret"))}, {"mine", Ids.CREATOR_ALL_ACL},
            {"other-password", acl(Perms.ALL, "digest", digest("alice:other"))},
        };
        for (Object[] each : lists) {
            @SuppressWarnings("unchecked")
            List<ACL> list = (List<ACL>) each[1];
            String path = "/schemes/" + each[0];
            alice.sync.create(path, Trace.bytes("x"), list, CreateMode.PERSISTENT);
            for (Client client : new Client[] {alice, bob, nobody}) {
                client.sync.get(path);
                client.async.getAcl(path);
                client.sync.set(path, client.name, -1);
                client.async.create(path + "/" + client.name, null, CreateMode.PERSISTENT);
                client.sync.children(path);
                client.async.delete(path + "/" + client.name, -1);
            }
        }
        nobody.sync.delete("/schemes/far", -1);
        nobody.sync.delete("/schemes/alice", -1);
        nobody.sync.children("/schemes");
    }

    private static void versions(Client alice, Client bob) throws Exception {
        alice.sync.create("/versions", "x");
        List<ACL> closed = new ArrayList<>(Ids.CREATOR_ALL_ACL);
        for (int version : new int[] {0, 0, 1, 9, -1, -2, 3, 2}) {
            alice.sync.setAcl("/versions", closed, version);
            alice.sync.getAcl("/versions");
        }
        bob.sync.setAcl("/versions", OPEN, -1);
        bob.sync.setAcl("/versions", OPEN, 77);
        bob.sync.setAcl("/none", OPEN, -1);
        bob.sync.getAcl("/none");
        bob.sync.set("/versions", "x", 77);
        alice.sync.set("/versions", "x", 77);
        bob.sync.get("/versions", bob);
        alice.sync.set("/versions", "x", 0);
        bob.settle();
        bob.sync.exists("/versions", bob);
        alice.sync.set("/versions", "x", 1);
        bob.settle();
        bob.sync.delete("/versions", 77);
        alice.sync.look("/versions");
    }

    /** A session can have several identities; a second one of the same scheme does not replace the first. */
    private static void moreIdentities(Client alice, Client bob) throws Exception {
        bob.zk.addAuthInfo("digest", Trace.bytes("alice:wrong"));
        bob.sync.get("/versions");
        bob.zk.addAuthInfo("digest", Trace.bytes("alice:secret"));
        bob.sync.get("/versions");
        bob.zk.addAuthInfo("digest", Trace.bytes("alice:secret"));
        bob.zk.addAuthInfo("ip", Trace.bytes("1.2.3.4"));
        bob.sync.exists("/versions");
        bob.sync.create("/everybody", null, Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        List<ACL> kept = bob.zk.getACL("/everybody", null);
        List<String> ids = new ArrayList<>();
        for (ACL entry : kept) {
            ids.add(entry.getPerms() + " " + entry.getId().getScheme() + " " + entry.getId().getId());
        }
        Collections.sort(ids);
        Trace.say("identities", ids);
        alice.sync.get("/everybody");
        alice.sync.set("/everybody", "by alice", -1);
    }

    private void superUser() throws Exception {
        Client root = open("super");
        root.sync.get("/versions");
        root.zk.addAuthInfo("digest", Trace.bytes("super:wrong"));
        root.sync.get("/versions");
        root.zk.addAuthInfo("digest", Trace.bytes("super:test"));
        root.sync.look("/versions");
        root.sync.set("/versions", "by the super user", -1);
        root.sync.create("/versions/child", null, Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        root.sync.getAcl("/versions/child");
        root.sync.setAcl("/versions", acl(Perms.READ, "world", "anyone"), -1);
        root.sync.create("/zookeeper/by-super", null);
        root.sync.look("/zookeeper/config");
        root.sync.set("/zookeeper/config", "by the super user", -1);
        root.sync.delete("/versions/child", -1);
        root.sync.delete("/versions", -1);
        root.sync.childrenAndStat("/", null);
    }

    /** What is no identity ends the session's usefulness. */
    private void badIdentities() throws Exception {
        String[][] identities = {{"nonsense", "x"}, {"world", "anyone"}, {"digest", "no colon"}, {"digest", ""}, {"", "x"}};
        for (String[] each : identities) {
            Client client = open("bad-" + Arrays.asList(identities).indexOf(each));
            client.zk.addAuthInfo(each[0], Trace.bytes(each[1]));
            if (each[0].equals("digest")) {
                client.sync.create("/by-" + client.name, null, Ids.CREATOR_ALL_ACL, CreateMode.EPHEMERAL);
                client.sync.getAcl("/by-" + client.name);
                continue;
            }
            client.until(KeeperState.AuthFailed);
            client.sync.exists("/");
            Trace.say("state", client.zk.getState());
        }
    }
}
