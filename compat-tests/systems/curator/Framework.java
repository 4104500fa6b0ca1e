import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.CuratorEvent;
import org.apache.curator.framework.api.transaction.CuratorOp;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.data.Stat;

/** What the recipes are made of: Curator's calls, its transactions, its persistent watcher. */
final class Framework {
    private static final int LONG_S = Scene.PATIENCE_S;

    static void calls(Scene scene) throws Exception {
        CuratorFramework client = scene.client();
        scene.say("parents", client.create().creatingParentsIfNeeded().forPath("/f/a/b", Scene.bytes("1")));
        scene.say("containers", client.create().creatingParentContainersIfNeeded().forPath("/f/box/x"));
        Stat stat = new Stat();
        scene.say("create", client.create().storingStatIn(stat).forPath("/f/c", Scene.bytes("22")), Scene.fields(stat));
        scene.say("again", Scene.attempt(() -> client.create().forPath("/f/c")),
                client.create().orSetData().forPath("/f/c", Scene.bytes("333")));
        scene.say("sequential", client.create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath("/f/s-"));
        String guarded = client.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath("/f/p-");
        scene.say("protected", Scene.masked(guarded));
        scene.say("get", Scene.text(client.getData().storingStatIn(stat).forPath("/f/c")), Scene.fields(stat));
        scene.restart();
        scene.tree(client, "/f");
        scene.say("set", Scene.fields(client.setData().withVersion(1).forPath("/f/c", Scene.bytes("4"))));
        scene.say("wrong version", Scene.attempt(() -> client.setData().withVersion(1).forPath("/f/c", Scene.bytes("5"))));
        scene.say("children", Scene.sorted(client.getChildren().forPath("/f/a")),
                Scene.fields(client.checkExists().forPath("/f/none")));
        scene.say("not empty", Scene.attempt(() -> client.delete().forPath("/f/a")));
        scene.say("acl", Scene.fields(client.setACL().withACL(ZooDefs.Ids.READ_ACL_UNSAFE).forPath("/f/box/x")),
                client.getACL().forPath("/f/box/x").toString(),
                Scene.attempt(() -> client.setData().forPath("/f/box/x", Scene.bytes("no"))));
        client.delete().quietly().forPath("/f/none");
        scene.say("idempotent", client.create().idempotent().forPath("/f/i", Scene.bytes("i")),
                client.create().idempotent().forPath("/f/i", Scene.bytes("i")),
                Scene.attempt(() -> client.create().idempotent().forPath("/f/i", Scene.bytes("other"))));
        CountDownLatch synced = new CountDownLatch(1);
        client.sync().inBackground((c, event) -> synced.countDown()).forPath("/f");
        scene.say("sync", synced.await(LONG_S, TimeUnit.SECONDS));
        BlockingQueue<CuratorEvent> answers = new LinkedBlockingQueue<>();
        scene.ask("stop");
        for (String path : List.of("/f/late-1", "/f/late-2", "/f/c")) {
            client.create().inBackground((c, event) -> answers.add(event)).forPath(path, Scene.bytes("late"));
        }
        scene.ask("start");
        List<String> outcomes = new ArrayList<>();
        for (int count = 0; count < 3; count++) {
            CuratorEvent event = answers.poll(LONG_S, TimeUnit.SECONDS);
            outcomes.add(event.getPath() + " " + event.getResultCode());
        }
        scene.say("in the background, begun while the server was away", Scene.sorted(outcomes));
        client.delete().guaranteed().deletingChildrenIfNeeded().forPath("/f");
        scene.say("deleted", Scene.fields(client.checkExists().forPath("/f")));
        CuratorFramework scoped = client.usingNamespace("space");
        scoped.create().forPath("/inside", Scene.bytes("n"));
        scene.say("namespace", Scene.text(client.getData().forPath("/space/inside")));
    }

    static void transactions(Scene scene) throws Exception {
        CuratorFramework client = scene.client();
        client.create().creatingParentsIfNeeded().forPath("/t/c", Scene.bytes("0"));
        CuratorOp fails = client.transactionOp().delete().withVersion(99).forPath("/t/c");
        for (int round = 0; round < 2; round++) {
            tell(scene, client.transaction().forOperations(
                    client.transactionOp().check().withVersion(round).forPath("/t/c"),
                    client.transactionOp().create().withMode(CreateMode.EPHEMERAL).forPath("/t/e", Scene.bytes("t")),
                    client.transactionOp().create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath("/t/s-", Scene.bytes("s")),
                    client.transactionOp().create().withMode(CreateMode.CONTAINER).forPath("/t/box-" + round),
                    client.transactionOp().setData().withVersion(round).forPath("/t/c", Scene.bytes("tx")),
                    client.transactionOp().delete().forPath("/t/e")));
            scene.say("fails", Scene.attempt(() -> client.transaction()
                    .forOperations(client.transactionOp().create().forPath("/t/u"), fails)));
            scene.say("nothing of it", Scene.fields(client.checkExists().forPath("/t/u")));
            BlockingQueue<CuratorEvent> answers = new LinkedBlockingQueue<>();
            client.transaction().inBackground((c, event) -> answers.add(event))
                    .forOperations(client.transactionOp().create().forPath("/t/u"), fails);
            CuratorEvent answer = answers.poll(LONG_S, TimeUnit.SECONDS);
            scene.say("in the background", answer.getResultCode());
            tell(scene, answer.getOpResults());
            scene.restart();
        }
        Collection<CuratorTransactionResult> old = client.inTransaction()
                .create().withMode(CreateMode.PERSISTENT).forPath("/t/old", Scene.bytes("1"))
                .and().setData().forPath("/t/old", Scene.bytes("2"))
                .and().check().withVersion(1).forPath("/t/old")
                .and().commit();
        tell(scene, old);
        scene.restart();
        scene.tree(client, "/t");
    }

    private static void tell(Scene scene, Collection<CuratorTransactionResult> results) throws Exception {
        for (CuratorTransactionResult result : results) {
            scene.say(result.getType(), result.getForPath(), result.getResultPath(), result.getError(),
                    Scene.fields(result.getResultStat()));
        }
    }

    /** Persistent watches: not once but for ever, which means that they are set anew at each reconnection. */
    static void persistentWatcher(Scene scene) throws Exception {
        CuratorFramework client = scene.client();
        CuratorFramework writer = scene.client();
        BlockingQueue<String> deep = new LinkedBlockingQueue<>();
        BlockingQueue<String> flat = new LinkedBlockingQueue<>();
        BlockingQueue<String> resets = new LinkedBlockingQueue<>();
        PersistentWatcher recursive = new PersistentWatcher(client, "/w", true);
        recursive.getListenable().addListener(event -> hear(deep, event));
        recursive.getResetListenable().addListener(() -> resets.add("set"));
        PersistentWatcher single = new PersistentWatcher(client, "/w", false);
        single.getListenable().addListener(event -> hear(flat, event));
        single.getResetListenable().addListener(() -> resets.add("set"));
        recursive.start();
        single.start();
        scene.say(next(resets), next(resets));
        for (int round = 0; round < 2; round++) {
            writer.create().orSetData().forPath("/w", Scene.bytes("1"));
            writer.create().forPath("/w/a");
            writer.create().forPath("/w/a/b");
            writer.setData().forPath("/w/a/b", Scene.bytes("2"));
            writer.delete().forPath("/w/a/b");
            writer.delete().forPath("/w/a");
            for (int count = 0; count < 6; count++) {
                scene.say("recursive", next(deep));
            }
            for (int count = 0; count < 3; count++) {
                scene.say("not recursive", next(flat));
            }
            scene.restart();
            scene.say(next(resets), next(resets));
        }
        recursive.close();
        writer.setData().forPath("/w", Scene.bytes("3"));
        scene.say("not recursive", next(flat), "recursive", deep.size());
        single.close();
        BlockingQueue<String> plain = new LinkedBlockingQueue<>();
        client.watchers().add().withMode(AddWatchMode.PERSISTENT_RECURSIVE)
                .usingWatcher((Watcher) event -> hear(plain, event)).forPath("/w");
        scene.restart();
        // Once this is answered, the watch that goes before it has been set again.
        client.checkExists().forPath("/w");
        writer.create().forPath("/w/last");
        scene.say("added by hand", next(plain));
        client.watchers().removeAll().forPath("/w");
        scene.say("removed", next(plain));
        scene.tree(writer, "/w");
    }

    private static void hear(BlockingQueue<String> heard, WatchedEvent event) {
        if (event.getType() != Watcher.Event.EventType.None) {
            heard.add(event.getType() + " " + event.getPath());
        }
    }

    private static String next(BlockingQueue<String> heard) throws InterruptedException {
        return heard.poll(LONG_S, TimeUnit.SECONDS);
    }
}
