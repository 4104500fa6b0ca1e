import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCacheEvent;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.cache.TreeCacheEvent;
import org.apache.zookeeper.data.Stat;

/**
 * Caches: a mirror of a part of the tree, kept true by watches. In each scene changes are followed one by one; then others are
 * made as soon as the server is back, which the cache must learn from its watches or by looking again; then one by one
 * once more, which shows that the watches are there.
 */
final class Caches {
    static void pathChildren(Scene scene) throws Exception {
        Writer writer = new Writer(scene.client(), "/children");
        Events events = new Events();
        PathChildrenCache cache = new PathChildrenCache(scene.client(), "/children", true);
        cache.getListenable().addListener((client, event) -> events.add(described(event)));
        cache.start(PathChildrenCache.StartMode.POST_INITIALIZED_EVENT);
        scene.say(events.take(2));
        writer.follow(scene, events);
        scene.restart(writer::changeMuch);
        Scene.eventually("the cache is true", () -> contents(cache.getCurrentData()).equals(writer.children()));
        scene.say(Scene.sorted(events.take(5)));
        writer.change();
        Scene.eventually("the cache is true", () -> contents(cache.getCurrentData()).equals(writer.children()));
        scene.say(Scene.sorted(events.take(2)), contents(cache.getCurrentData()));
        PathChildrenCache bare = new PathChildrenCache(scene.client(), "/children", false);
        bare.start(PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
        scene.restart();
        bare.rebuild();
        scene.say("without data", contents(bare.getCurrentData()));
        bare.close();
        cache.close();
        scene.tree(writer.client, "/children");
    }

    private static String described(PathChildrenCacheEvent event) {
        return event.getType() + (event.getData() == null ? "" : " " + content(event.getData()));
    }

    static void node(Scene scene) throws Exception {
        CuratorFramework writer = scene.client();
        Events events = new Events();
        NodeCache cache = new NodeCache(scene.client(), "/nodes/one");
        cache.getListenable().addListener(() -> events.add(content(cache.getCurrentData())));
        cache.start(true);
        scene.say("absent", content(cache.getCurrentData()));
        writer.create().forPath("/nodes/one", Scene.bytes("1"));
        scene.say(events.take(1));
        writer.setData().forPath("/nodes/one", Scene.bytes("2"));
        scene.say(events.take(1));
        scene.restart(() -> writer.setData().forPath("/nodes/one", Scene.bytes("3")));
        scene.say(events.take(1));
        writer.delete().forPath("/nodes/one");
        scene.say(events.take(1));
        scene.restart(() -> writer.create().forPath("/nodes/one", Scene.bytes("4")));
        scene.say(events.take(1));
        scene.restart();
        scene.say(Scene.fields(cache.getCurrentData().getStat()));
        writer.setData().forPath("/nodes/one", Scene.bytes("5"));
        scene.say(events.take(1));
        cache.close();
    }

    static void tree(Scene scene) throws Exception {
        Writer writer = new Writer(scene.client(), "/tree");
        Events events = new Events();
        TreeCache cache = TreeCache.newBuilder(scene.client(), "/tree").setCacheData(true).build();
        cache.getListenable().addListener((client, event) -> events.add(described(event)));
        cache.start();
        scene.say(events.take(3));
        writer.follow(scene, events);
        writer.create("b/deep", "d");
        scene.say(events.take(1));
        scene.restart(writer::changeMuch);
        scene.say(Scene.sorted(events.take(5)));
        Scene.eventually("the cache is true", () ->
                contents(cache.getCurrentChildren("/tree").values()).equals(writer.children()));
        scene.say(content(cache.getCurrentData("/tree/b/deep")), cache.getCurrentChildren("/tree/absent") == null);
        writer.change();
        scene.say(Scene.sorted(events.take(2)));
        writer.set("b/deep", "deeper");
        scene.say(events.take(1));
        cache.close();
    }

    private static String described(TreeCacheEvent event) {
        return event.getType() + (event.getData() == null ? "" : " " + content(event.getData()));
    }

    static void curator(Scene scene) throws Exception {
        Writer writer = new Writer(scene.client(), "/cache");
        Events events = new Events();
        CountDownLatch ready = new CountDownLatch(1);
        CuratorFramework client = scene.client();
        CuratorCache cache = CuratorCache.build(client, "/cache");
        cache.listenable().addListener(CuratorCacheListener.builder()
                .forInitialized(ready::countDown)
                .forCreates(node -> events.add("created " + content(node)))
                .forChanges((before, after) -> events.add("changed " + content(before) + " to " + content(after)))
                .forDeletes(node -> events.add("deleted " + content(node)))
                .build());
        cache.start();
        scene.say("ready", ready.await(Scene.PATIENCE_S, TimeUnit.SECONDS), cache.size(), Scene.sorted(events.take(2)));
        writer.follow(scene, events);
        writer.create("b/deep", "d");
        scene.say(events.take(1));
        scene.restart(writer::changeMuch);
        scene.say(Scene.sorted(events.take(3)));
        scene.say(contents(cache.stream().collect(Collectors.toList())));
        writer.change();
        scene.say(Scene.sorted(events.take(2)));
        Events single = new Events();
        CuratorCache one = CuratorCache.build(client, "/cache/b", CuratorCache.Options.SINGLE_NODE_CACHE);
        one.listenable().addListener(CuratorCacheListener.builder()
                .forAll((type, before, after) -> single.add(type.name()))
                .build());
        one.start();
        scene.say(single.take(1));
        scene.restart();
        writer.set("b", "single");
        scene.say(single.take(1), events.take(1));
        writer.create("b/more", "m");
        scene.say(events.take(1), single.size(), one.size(), cache.size());
        one.close();
        cache.close();
    }

    private static String content(ChildData data) {
        return data == null ? "nothing" : data.getPath() + "=" + Scene.text(data.getData()) + " v" + data.getStat().getVersion();
    }

    private static List<String> contents(Collection<ChildData> list) {
        return Scene.sorted(list.stream().map(Caches::content).collect(Collectors.toList()));
    }

    /** What a listener heard. */
    private static final class Events {
        private final LinkedBlockingQueue<String> heard = new LinkedBlockingQueue<>();

        void add(String event) {
            heard.add(event);
        }

        List<String> take(int count) throws Exception {
            List<String> list = new ArrayList<>();
            while (list.size() < count) {
                String event = heard.poll(Scene.PATIENCE_S, TimeUnit.SECONDS);
                if (event == null) {
                    throw new IllegalStateException("heard only " + list + " of " + count);
                }
                list.add(event);
            }
            return list;
        }

        int size() {
            return heard.size();
        }
    }

    /** Changes the znodes that a cache mirrors: `old` is there from the start. */
    private static final class Writer {
        final CuratorFramework client;
        private final String root;

        Writer(CuratorFramework client, String root) throws Exception {
            this.client = client;
            this.root = root;
            client.create().forPath(root, Scene.bytes("root"));
            create("old", "0");
        }

        void create(String name, String data) throws Exception {
            client.create().forPath(root + "/" + name, Scene.bytes(data));
        }

        void set(String name, String data) throws Exception {
            client.setData().forPath(root + "/" + name, Scene.bytes(data));
        }

        /** Changes one by one, each heard before the next. */
        void follow(Scene scene, Events events) throws Exception {
            create("a", "1");
            scene.say(events.take(1));
            create("b", "2");
            scene.say(events.take(1));
            set("a", "3");
            scene.say(events.take(1));
            set("old", "4");
            scene.say(events.take(1));
        }

        /** One change of each kind, in one transaction: a client that reconnects in between sees all or nothing. */
        void changeMuch() throws Exception {
            client.transaction().forOperations(
                    client.transactionOp().delete().forPath(root + "/a"),
                    client.transactionOp().setData().forPath(root + "/b", Scene.bytes("20")),
                    client.transactionOp().create().forPath(root + "/c", Scene.bytes("30")));
        }

        void change() throws Exception {
            set("c", "31");
            client.delete().forPath(root + "/old");
        }

        /** The true children, as {@link Caches#contents} shows them. */
        List<String> children() throws Exception {
            List<ChildData> list = new ArrayList<>();
            for (String name : client.getChildren().forPath(root)) {
                Stat stat = new Stat();
                byte[] data = client.getData().storingStatIn(stat).forPath(root + "/" + name);
                list.add(new ChildData(root + "/" + name, stat, data));
            }
            return contents(list);
        }
    }
}
