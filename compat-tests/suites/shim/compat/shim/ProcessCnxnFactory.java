package compat.shim;

import java.io.IOException;
import java.lang.reflect.Field;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.zookeeper.server.ServerCnxn;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.SyncRequestProcessor;
import org.apache.zookeeper.server.ZooKeeperServer;
import org.apache.zookeeper.server.persistence.FileTxnSnapLog;
import org.apache.zookeeper.server.quorum.QuorumPeerConfig;

/**
 * What a Java test takes for the connection factory of a server inside its JVM. `startup` reads the settings of the server that
 * it is given, never starts that one, and starts a process with the same settings on the same folders and port.
 *
 * Always: what cannot be asked of another process fails at once (the server object is null, its connections are refused), so
 * that no test passes by looking at an idle server in its own JVM.
 */
public abstract class ProcessCnxnFactory extends ServerCnxnFactory {
    private InetSocketAddress address;
    private int maxClientCnxns;
    private int backlog;
    private ServerProcess process;

    @Override
    public void configure(InetSocketAddress wanted, int maxcc, int listenBacklog, boolean isSecure) throws IOException {
        int port = wanted.getPort() == 0 ? ServerProcess.freePort() : wanted.getPort();
        address = new InetSocketAddress(wanted.getAddress(), port);
        // The real factories bind here: a port that is taken is the caller's exception.
        new ServerSocket(port, 1, address.getAddress()).close();
        maxClientCnxns = Math.max(maxcc, 0);
        backlog = listenBacklog;
        secure = isSecure;
    }

    @Override
    public void startup(ZooKeeperServer server, boolean startServer) throws IOException {
        if (!startServer) throw notOutside("a second factory for a server that another one has started");
        process = ServerProcess.start(configOf(server), propertiesOf(), address, !secure);
    }

    private Map<String, String> configOf(ZooKeeperServer server) {
        FileTxnSnapLog files = server.getTxnLogFactory();
        Map<String, String> config = new LinkedHashMap<>();
        config.put("dataDir", files.getSnapDir().getParentFile().getAbsolutePath());
        config.put("dataLogDir", files.getDataLogDir().getParentFile().getAbsolutePath());
        config.put("tickTime", String.valueOf(server.getTickTime()));
        config.put("minSessionTimeout", String.valueOf(server.getMinSessionTimeout()));
        config.put("maxSessionTimeout", String.valueOf(server.getMaxSessionTimeout()));
        config.put("maxClientCnxns", String.valueOf(maxClientCnxns));
        config.put(secure ? "secureClientPort" : "clientPort", String.valueOf(address.getPort()));
        InetAddress host = address.getAddress();
        if (!host.isAnyLocalAddress()) {
            config.put(secure ? "secureClientPortAddress" : "clientPortAddress", host.getHostAddress());
        }
        if (QuorumPeerConfig.isReconfigEnabled()) config.put("reconfigEnabled", "true");
        return config;
    }

    /** Tests set these two in the class that would have read the properties. */
    private static Map<String, String> propertiesOf() {
        Map<String, String> properties = new LinkedHashMap<>();
        properties.put("zookeeper.snapCount", String.valueOf(SyncRequestProcessor.getSnapCount()));
        properties.put("zookeeper.snapSizeLimitInKb", String.valueOf(snapSizeInBytes() / 1024));
        return properties;
    }

    private static long snapSizeInBytes() {
        try {
            Field field = SyncRequestProcessor.class.getDeclaredField("snapSizeInBytes");
            field.setAccessible(true);
            return field.getLong(null);
        } catch (ReflectiveOperationException changed) {
            throw new IllegalStateException(changed);
        }
    }

    @Override
    public void shutdown() {
        if (process != null) process.stop();
        process = null;
    }

    @Override
    public void join() throws InterruptedException {
        if (process != null) process.join();
    }

    @Override
    public void start() {
        // Both halves are done by startup.
    }

    @Override
    public int getLocalPort() {
        return address.getPort();
    }

    @Override
    public InetSocketAddress getLocalAddress() {
        return address;
    }

    @Override
    public int getMaxClientCnxnsPerHost() {
        return maxClientCnxns;
    }

    @Override
    public void setMaxClientCnxnsPerHost(int max) {
        if (process != null) throw notOutside("another limit of connections while the server runs");
        maxClientCnxns = Math.max(max, 0);
    }

    @Override
    public int getSocketListenBacklog() {
        return backlog;
    }

    @Override
    public void reconfigure(InetSocketAddress wanted) {
        throw notOutside("another address while the server runs");
    }

    @Override
    public Iterable<ServerCnxn> getConnections() {
        throw notOutside("the server's connections");
    }

    @Override
    public int getNumAliveConnections() {
        throw notOutside("the number of the server's connections");
    }

    @Override
    public void closeAll(ServerCnxn.DisconnectReason reason) {
        throw notOutside("closing the server's connections");
    }

    @Override
    public void resetAllConnectionStats() {
        throw notOutside("the statistics of the server's connections");
    }

    @Override
    public Iterable<Map<String, Object>> getAllConnectionInfo(boolean brief) {
        throw notOutside("the server's connections");
    }

    private static UnsupportedOperationException notOutside(String what) {
        return new UnsupportedOperationException("the server is another process; out of reach: " + what);
    }
}
