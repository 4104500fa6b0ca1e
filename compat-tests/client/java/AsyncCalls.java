import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Stat;

/**
 * The calls with a callback. A callback must bring the path and the context that the call was given; its code becomes the
 * exception that the waiting call would have thrown.
 */
final class AsyncCalls extends Calls {
    private final ZooKeeper zk;

    /** What a callback brings, for the thread that waits for it. */
    static final class Answer<T> {
        private final CountDownLatch hasCome = new CountDownLatch(1);
        private int code;
        private String path;
        private Object context;
        private T value;

        void bring(int givenCode, String givenPath, Object givenContext, T givenValue) {
            code = givenCode;
            path = givenPath;
            context = givenContext;
            value = givenValue;
            hasCome.countDown();
        }

        int code() throws InterruptedException {
            if (!hasCome.await(Client.PATIENCE_S, TimeUnit.SECONDS)) {
                throw new IllegalStateException("no callback");
            }
            return code;
        }

        T value() throws Exception {
            throwIfFailed();
            return value;
        }

        String path() throws Exception {
            throwIfFailed();
            return path;
        }

        /** The codes that the old client has no name for are told as a number. */
        private void throwIfFailed() throws Exception {
            if (code() != 0) {
                KeeperException.Code known = KeeperException.Code.get(code);
                throw known == null ? new UnknownCode(code) : KeeperException.create(known, path);
            }
        }
    }

    /** A code that this client does not know. */
    static final class UnknownCode extends RuntimeException {
        private static final long serialVersionUID = 1;
        final int code;

        UnknownCode(int code) {
            super("code " + code);
            this.code = code;
        }
    }

    AsyncCalls(Client client) {
        super(client, ".async ");
        this.zk = client.zk;
    }

    private <T> T checked(Answer<T> answer, String path) throws Exception {
        int code = answer.code();
        if (answer.context != this || !String.valueOf(path).equals(String.valueOf(answer.path))) {
            throw new IllegalStateException("the callback of " + path + " was for " + answer.path + ", code " + code);
        }
        return answer.value();
    }

    @Override
    String askCreate(String path, byte[] data, List<ACL> acl, CreateMode mode) throws Exception {
        Answer<String> answer = new Answer<>();
        zk.create(path, data, acl, mode, answer::bring, this);
        return checked(answer, path);
    }

    @Override
    void askDelete(String path, int version) throws Exception {
        Answer<Void> answer = new Answer<>();
        zk.delete(path, version, (code, about, context) -> answer.bring(code, about, context, null), this);
        checked(answer, path);
    }

    /** An absent znode is a null, as the waiting call has it. */
    @Override
    Stat askExists(String path, Watcher watcher) throws Exception {
        Answer<Stat> answer = new Answer<>();
        zk.exists(path, watcher, answer::bring, this);
        return answer.code() == KeeperException.Code.NONODE.intValue() ? null : checked(answer, path);
    }

    @Override
    byte[] askGet(String path, Watcher watcher, Stat stat) throws Exception {
        Answer<byte[]> answer = new Answer<>();
        Stat[] found = new Stat[1];
        zk.getData(path, watcher, (code, about, context, data, newStat) -> {
            found[0] = newStat;
            answer.bring(code, about, context, data);
        }, this);
        byte[] data = checked(answer, path);
        copy(found[0], stat);
        return data;
    }

    @Override
    Stat askSet(String path, byte[] data, int version) throws Exception {
        Answer<Stat> answer = new Answer<>();
        zk.setData(path, data, version, answer::bring, this);
        return checked(answer, path);
    }

    @Override
    List<String> askChildren(String path, Watcher watcher) throws Exception {
        Answer<List<String>> answer = new Answer<>();
        zk.getChildren(path, watcher, answer::bring, this);
        return checked(answer, path);
    }

    @Override
    Children askChildrenAndStat(String path, Watcher watcher) throws Exception {
        Answer<Children> answer = new Answer<>();
        zk.getChildren(path, watcher, (code, about, context, names, stat) ->
                answer.bring(code, about, context, new Children(names, stat)), this);
        return checked(answer, path);
    }

    @Override
    List<ACL> askGetAcl(String path, Stat stat) throws Exception {
        Answer<List<ACL>> answer = new Answer<>();
        Stat[] found = new Stat[1];
        zk.getACL(path, new Stat(), (code, about, context, acl, newStat) -> {
            found[0] = newStat;
            answer.bring(code, about, context, acl);
        }, this);
        List<ACL> acl = checked(answer, path);
        copy(found[0], stat);
        return acl;
    }

    @Override
    Stat askSetAcl(String path, List<ACL> acl, int version) throws Exception {
        Answer<Stat> answer = new Answer<>();
        zk.setACL(path, acl, version, answer::bring, this);
        return checked(answer, path);
    }

    @Override
    String askSync(String path) throws Exception {
        return sync(zk, path);
    }

    /** @return the path that the callback brings */
    static String sync(ZooKeeper zk, String path) throws Exception {
        Answer<Void> answer = new Answer<>();
        zk.sync(path, (code, about, context) -> answer.bring(code, about, context, null), null);
        return answer.path();
    }

    /** The callback of a failed transaction brings the results of its parts, which the exception of the other call has. */
    @Override
    List<OpResult> askMulti(List<Op> ops) throws Exception {
        Answer<List<OpResult>> answer = new Answer<>();
        zk.multi(ops, answer::bring, this);
        if (answer.code() != 0) {
            Trace.say("callback", answer.path, answer.value);
        }
        return checked(answer, null);
    }

    private static void copy(Stat from, Stat to) {
        to.setCzxid(from.getCzxid());
        to.setMzxid(from.getMzxid());
        to.setCtime(from.getCtime());
        to.setMtime(from.getMtime());
        to.setVersion(from.getVersion());
        to.setCversion(from.getCversion());
        to.setAversion(from.getAversion());
        to.setEphemeralOwner(from.getEphemeralOwner());
        to.setDataLength(from.getDataLength());
        to.setNumChildren(from.getNumChildren());
        to.setPzxid(from.getPzxid());
    }
}
