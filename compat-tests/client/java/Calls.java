import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Stat;

/**
 * The calls that both the old and the new client have. Each shows what it was given and what came of it: a result, or the
 * error by its name. How the server is asked is left to {@link SyncCalls} and {@link AsyncCalls}, so that every scenario
 * can be played either way.
 */
abstract class Calls {
    /** A call whose outcome is to be shown. */
    interface Attempt<T> {
        T run() throws Exception;
    }

    /** A list of children and the Stat that came with it. */
    static final class Children {
        final List<String> names;
        final Stat stat;

        Children(List<String> names, Stat stat) {
            this.names = names;
            this.stat = stat;
        }
    }

    protected final Client client;
    private final String prefix;

    Calls(Client client, String style) {
        this.client = client;
        this.prefix = client.name + style;
    }

    final String create(String path, String data, CreateMode mode) throws Exception {
        return create(path, Trace.bytes(data), Ids.OPEN_ACL_UNSAFE, mode);
    }

    final String create(String path, byte[] data, List<ACL> acl, CreateMode mode) throws Exception {
        return show(() -> askCreate(path, data, acl, mode), "create", path, data, mode.name());
    }

    /** An open, persistent znode. */
    final String create(String path, String data) throws Exception {
        return create(path, data, CreateMode.PERSISTENT);
    }

    final void delete(String path, int version) throws Exception {
        show(() -> {
            askDelete(path, version);
            return "ok";
        }, "delete", path, version);
    }

    final Stat exists(String path, Watcher watcher) throws Exception {
        return show(() -> askExists(path, watcher), "exists", path);
    }

    final Stat exists(String path) throws Exception {
        return exists(path, null);
    }

    final byte[] get(String path, Watcher watcher) throws Exception {
        Stat stat = new Stat();
        List<Object> both = show(() -> Arrays.asList(askGet(path, watcher, stat), stat), "get", path);
        return both == null ? null : (byte[]) both.get(0);
    }

    final byte[] get(String path) throws Exception {
        return get(path, null);
    }

    final Stat set(String path, String data, int version) throws Exception {
        return set(path, Trace.bytes(data), version);
    }

    final Stat set(String path, byte[] data, int version) throws Exception {
        return show(() -> askSet(path, data, version), "set", path, data, version);
    }

    final void children(String path, Watcher watcher) throws Exception {
        show(() -> sorted(askChildren(path, watcher)), "children", path);
    }

    final void children(String path) throws Exception {
        children(path, null);
    }

    final void childrenAndStat(String path, Watcher watcher) throws Exception {
        show(() -> {
            Children found = askChildrenAndStat(path, watcher);
            return Arrays.asList(sorted(found.names), found.stat);
        }, "children2", path);
    }

    final void getAcl(String path) throws Exception {
        Stat stat = new Stat();
        show(() -> Arrays.asList(askGetAcl(path, stat), stat), "getACL", path);
    }

    final Stat setAcl(String path, List<ACL> acl, int version) throws Exception {
        return show(() -> askSetAcl(path, acl, version), "setACL", path, acl, version);
    }

    final void sync(String path) throws Exception {
        show(() -> askSync(path), "sync", path);
    }

    /** A transaction: its results, or the error with the result of each part. */
    final void multi(String what, Op... ops) throws Exception {
        Object outcome;
        try {
            outcome = askMulti(Arrays.asList(ops));
        } catch (KeeperException error) {
            outcome = Trace.record("error", error.code().name(), "results", error.getResults());
        } catch (RuntimeException error) {
            outcome = error;
        }
        Trace.say(prefix + "multi", what, outcome);
    }

    /** Everything that can be seen of a znode. */
    final void look(String path) throws Exception {
        get(path);
        childrenAndStat(path, null);
        getAcl(path);
    }

    /** Runs a call, shows its words and its outcome; null when it failed. */
    final <T> T show(Attempt<T> attempt, Object... words) throws Exception {
        T result = null;
        Object shown;
        try {
            result = attempt.run();
            shown = result;
        } catch (KeeperException | RuntimeException error) {
            shown = error;
        }
        List<Object> line = new ArrayList<>(Arrays.asList(words));
        line.set(0, prefix + words[0]);
        line.add(shown);
        Trace.say(line.toArray());
        return result;
    }

    static List<String> sorted(List<String> names) {
        List<String> copy = new ArrayList<>(names);
        Collections.sort(copy);
        return copy;
    }

    abstract String askCreate(String path, byte[] data, List<ACL> acl, CreateMode mode) throws Exception;

    abstract void askDelete(String path, int version) throws Exception;

    abstract Stat askExists(String path, Watcher watcher) throws Exception;

    /** @return the data; the Stat is copied into `stat` */
    abstract byte[] askGet(String path, Watcher watcher, Stat stat) throws Exception;

    abstract Stat askSet(String path, byte[] data, int version) throws Exception;

    abstract List<String> askChildren(String path, Watcher watcher) throws Exception;

    abstract Children askChildrenAndStat(String path, Watcher watcher) throws Exception;

    abstract List<ACL> askGetAcl(String path, Stat stat) throws Exception;

    abstract Stat askSetAcl(String path, List<ACL> acl, int version) throws Exception;

    abstract String askSync(String path) throws Exception;

    abstract List<OpResult> askMulti(List<Op> ops) throws Exception;
}
