import java.util.List;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Stat;

/**
 * The calls that wait for their answer. A watcher that is the session's default one is asked for with the `true` of the
 * shorter form, as most programs do.
 */
final class SyncCalls extends Calls {
    private final ZooKeeper zk;

    SyncCalls(Client client) {
        super(client, ".");
        this.zk = client.zk;
    }

    private boolean isDefault(Watcher watcher) {
        return watcher == client;
    }

    @Override
    String askCreate(String path, byte[] data, List<ACL> acl, CreateMode mode) throws Exception {
        return zk.create(path, data, acl, mode);
    }

    @Override
    void askDelete(String path, int version) throws Exception {
        zk.delete(path, version);
    }

    @Override
    Stat askExists(String path, Watcher watcher) throws Exception {
        return isDefault(watcher) ? zk.exists(path, true) : zk.exists(path, watcher);
    }

    @Override
    byte[] askGet(String path, Watcher watcher, Stat stat) throws Exception {
        return isDefault(watcher) ? zk.getData(path, true, stat) : zk.getData(path, watcher, stat);
    }

    @Override
    Stat askSet(String path, byte[] data, int version) throws Exception {
        return zk.setData(path, data, version);
    }

    @Override
    List<String> askChildren(String path, Watcher watcher) throws Exception {
        return isDefault(watcher) ? zk.getChildren(path, true) : zk.getChildren(path, watcher);
    }

    @Override
    Children askChildrenAndStat(String path, Watcher watcher) throws Exception {
        Stat stat = new Stat();
        List<String> names =
                isDefault(watcher) ? zk.getChildren(path, true, stat) : zk.getChildren(path, watcher, stat);
        return new Children(names, stat);
    }

    @Override
    List<ACL> askGetAcl(String path, Stat stat) throws Exception {
        return zk.getACL(path, stat);
    }

    @Override
    Stat askSetAcl(String path, List<ACL> acl, int version) throws Exception {
        return zk.setACL(path, acl, version);
    }

    /** The old client has sync as a call with a callback only. */
    @Override
    String askSync(String path) throws Exception {
        return AsyncCalls.sync(zk, path);
    }

    @Override
    List<OpResult> askMulti(List<Op> ops) throws Exception {
        return zk.multi(ops);
    }
}
