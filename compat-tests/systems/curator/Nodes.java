import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.data.Stat;

/** Znodes that somebody keeps in being: made again when they are deleted, looked after at every reconnection. */
final class Nodes {
    private static final int LONG_S = Scene.PATIENCE_S;
    /** Longer than a restart on a busy machine takes. */
    private static final int TTL_MS = 8000;

    static void persistent(Scene scene) throws Exception {
        CuratorFramework client = scene.client();
        CuratorFramework other = scene.client();
        PersistentNode node = new PersistentNode(client, CreateMode.EPHEMERAL, false, "/kept/mine", Scene.bytes("here"), true);
        node.start();
        scene.say("made", node.waitForInitialCreate(LONG_S, TimeUnit.SECONDS), node.getActualPath());
        scene.tree(other, "/kept");
        long first = czxid(other, "/kept/mine");
        other.delete().forPath("/kept/mine");
        Scene.eventually("made again", () -> czxid(other, "/kept/mine") > first);
        node.setData(Scene.bytes("new"));
        Scene.eventually("new data", () -> version(other, "/kept/mine") == 1);
        scene.restart();
        // At the reconnection it finds its znode and sets the data again.
        Scene.eventually("looked after", () -> version(other, "/kept/mine") == 2);
        scene.tree(other, "/kept");
        long second = czxid(other, "/kept/mine");
        scene.restart(() -> other.delete().forPath("/kept/mine"));
        Scene.eventually("made again", () -> czxid(other, "/kept/mine") > second);
        scene.sketch(other, "/kept");
        node.close();
        Scene.eventually("gone", () -> other.checkExists().forPath("/kept/mine") == null);

        PersistentNode numbered = new PersistentNode(client, CreateMode.EPHEMERAL_SEQUENTIAL, true, "/kept/numbered-",
                Scene.bytes("n"));
        numbered.start();
        numbered.waitForInitialCreate(LONG_S, TimeUnit.SECONDS);
        String path = numbered.getActualPath();
        scene.restart();
        Scene.eventually("looked after", () -> version(other, path) == 1);
        other.delete().forPath(path);
        Scene.eventually("one again", () -> other.getChildren().forPath("/kept").size() == 1);
        Scene.eventually("under its number", () -> numbered.getActualPath().endsWith(path.substring(path.length() - 10)));
        scene.sketch(other, "/kept");
        numbered.close();
    }

    /** Lives for as long as somebody touches it, across a restart, and goes when nobody does any more. */
    static void persistentTtl(Scene scene) throws Exception {
        CuratorFramework client = scene.client();
        CuratorFramework other = scene.client();
        PersistentTtlNode node = new PersistentTtlNode(client, "/ttl/kept", TTL_MS, Scene.bytes("k"));
        node.start();
        scene.say("made", node.waitForInitialCreate(LONG_S, TimeUnit.SECONDS));
        long made = czxid(other, "/ttl/kept");
        scene.restart();
        untilTouched(other, 1);
        scene.restart();
        // It is touched twice in its time to live.
        untilTouched(other, 3);
        scene.say("the same znode", czxid(other, "/ttl/kept") == made);
        node.setData(Scene.bytes("changed"));
        Scene.eventually("changed", () -> Scene.text(other.getData().forPath("/ttl/kept")).equals("changed"));
        scene.sketch(other, "/ttl");
        node.close();
        Scene.eventually("gone, and its container with it", () -> other.checkExists().forPath("/ttl") == null);
        // Below a znode of their own: a last touch may have made the container once more, which counts at the root.
        client.create().forPath("/lasting");
        scene.say("create", client.create().withTtl(600_000).withMode(CreateMode.PERSISTENT_WITH_TTL)
                .forPath("/lasting/long", Scene.bytes("t")));
        scene.say("create", client.create().withTtl(600_000).withMode(CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL)
                .forPath("/lasting/long-s"));
        scene.say("create", client.create().withMode(CreateMode.CONTAINER).forPath("/box"));
        client.create().forPath("/box/in");
        scene.restart();
        scene.tree(other, "/lasting");
        scene.tree(other, "/box");
        client.delete().forPath("/box/in");
        Scene.eventually("the empty container goes", () -> other.checkExists().forPath("/box") == null);
    }

    private static void untilTouched(CuratorFramework client, int times) throws Exception {
        String touched = "/ttl/kept/" + PersistentTtlNode.DEFAULT_CHILD_NODE_NAME;
        Scene.eventually("touched", () -> client.checkExists().forPath(touched) != null);
        int before = version(client, touched);
        Scene.eventually("touched again", () -> version(client, touched) >= before + times);
    }

    static void groupMember(Scene scene) throws Exception {
        CuratorFramework a = scene.client();
        CuratorFramework b = scene.client();
        CuratorFramework c = scene.client();
        GroupMember one = new GroupMember(a, "/group", "one", Scene.bytes("1"));
        GroupMember two = new GroupMember(b, "/group", "two", Scene.bytes("2"));
        GroupMember three = new GroupMember(c, "/group", "three", Scene.bytes("3"));
        for (GroupMember member : new GroupMember[] {one, two, three}) {
            member.start();
        }
        untilMembers(one, 3);
        untilMembers(three, 3);
        scene.say("members", members(one), members(three));
        scene.restart();
        Scene.eventually("all looked after", () ->
                version(a, "/group/one") + version(a, "/group/two") + version(a, "/group/three") == 3);
        scene.say("members", members(one), members(two));
        two.setThisData(Scene.bytes("22"));
        Scene.eventually("new data", () -> "22".equals(members(one).get("two")));
        scene.close(c);
        untilMembers(one, 2);
        scene.restart(two::close);
        untilMembers(one, 1);
        scene.say("members", members(one));
        scene.sketch(a, "/group");
        one.close();
    }

    private static void untilMembers(GroupMember member, int count) throws Exception {
        Scene.eventually(count + " members", () -> member.getCurrentMembers().size() == count);
    }

    private static Map<String, String> members(GroupMember member) {
        Map<String, String> members = new TreeMap<>();
        member.getCurrentMembers().forEach((name, data) -> members.put(name, Scene.text(data)));
        return members;
    }

    private static long czxid(CuratorFramework client, String path) throws Exception {
        Stat stat = client.checkExists().forPath(path);
        return stat == null ? 0 : stat.getCzxid();
    }

    private static int version(CuratorFramework client, String path) throws Exception {
        Stat stat = client.checkExists().forPath(path);
        return stat == null ? -1 : stat.getVersion();
    }
}
