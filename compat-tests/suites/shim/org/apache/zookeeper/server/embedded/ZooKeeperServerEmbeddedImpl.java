package org.apache.zookeeper.server.embedded;

import compat.shim.ServerProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.zookeeper.server.quorum.QuorumPeerConfig;

/**
 * Stands in front of ZooKeeper's own class of this name, behind the public interface by which Curator's TestingServer starts
 * its servers: the configuration goes to a process as it is.
 */
class ZooKeeperServerEmbeddedImpl implements ZooKeeperServerEmbedded {
    private static final String EVERY_ADDRESS = "0.0.0.0";

    private final Map<String, String> config = new TreeMap<>();
    private final String host;
    private final int port;
    private ServerProcess process;

    ZooKeeperServerEmbeddedImpl(Properties properties, Path baseDir, ExitHandler exitHandler) {
        for (String name : properties.stringPropertyNames()) config.put(name, properties.getProperty(name));
        config.putIfAbsent("dataDir", baseDir.resolve("data").toAbsolutePath().toString());
        int wanted = Integer.parseInt(config.getOrDefault("clientPort", "0"));
        port = wanted == 0 ? ServerProcess.freePort() : wanted;
        host = config.getOrDefault("clientPortAddress", EVERY_ADDRESS);
        config.put("clientPort", String.valueOf(port));
        // Tests turn it on in the class that would have read it.
        if (QuorumPeerConfig.isReconfigEnabled()) config.put("reconfigEnabled", "true");
    }

    @Override
    public void start() throws Exception {
        start(Integer.MAX_VALUE);
    }

    @Override
    public void start(long startupTimeout) throws IOException {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getByName(host), port);
        process = ServerProcess.start(config, Collections.emptyMap(), address, !isMember());
    }

    private boolean isMember() {
        return config.keySet().stream().filter(key -> key.startsWith("server.")).count() > 1;
    }

    @Override
    public int getClientPort() {
        return port;
    }

    @Override
    public int getSecureClientPort() {
        throw new UnsupportedOperationException("the server has no secure port");
    }

    @Override
    public String getConnectionString() {
        return (host.equals(EVERY_ADDRESS) ? "localhost" : host) + ":" + port;
    }

    @Override
    public String getSecureConnectionString() {
        throw new UnsupportedOperationException("the server has no secure port");
    }

    @Override
    public void close() {
        if (process != null) process.stop();
        process = null;
    }
}
