package compat.shim;

import java.io.File;
import java.io.FileWriter;
import java.io.IOException;
import java.io.StringReader;
import java.lang.reflect.Field;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.WeakHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.quorum.QuorumPeer;
import org.apache.zookeeper.server.quorum.QuorumPeer.LearnerType;
import org.apache.zookeeper.server.quorum.QuorumPeer.QuorumServer;
import org.apache.zookeeper.server.quorum.QuorumPeer.ServerState;
import org.apache.zookeeper.server.quorum.QuorumPeerConfig;
import org.apache.zookeeper.server.quorum.flexible.QuorumVerifier;

/**
 * The process that stands behind a QuorumPeer of a test: PeerMethods.java leads the peer's methods here. A peer that was read
 * from a zoo.cfg is started with that file; one that was made by its constructor, with a file of what it was given.
 *
 * Its state, its leader and its view of the ensemble are what the process says of itself (`srvr`, `conf`). A peer that has not
 * been started, or whose process does not answer, is looking for a leader.
 */
public final class PeerProcess {
    private static final int WORD_TIMEOUT_MS = 5_000;
    private static final Map<QuorumPeer, PeerProcess> BY_PEER = Collections.synchronizedMap(new WeakHashMap<>());

    private final ServerProcess process;
    /** Where it listens for clients, as far as is known: a reconfiguration may move it. */
    private InetSocketAddress address;

    private PeerProcess(ServerProcess process, InetSocketAddress address) {
        this.process = process;
        this.address = address;
    }

    /** In place of QuorumPeer.start, which goes on to start the thread that `untilEnd` fills. */
    public static void start(QuorumPeer peer) {
        try {
            String file = (String) valueOf(peer, "configFilename");
            ServerProcess process = file == null
                    ? ServerProcess.launch(configOf(peer), Collections.emptyMap())
                    : ServerProcess.launch(restored(peer, completed(Paths.get(file))), Collections.emptyMap());
            BY_PEER.put(peer, new PeerProcess(process, addressOf(peer)));
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    /** In place of QuorumPeer.run: the thread lives as long as the process. */
    public static void untilEnd(QuorumPeer peer) {
        PeerProcess found = BY_PEER.get(peer);
        if (found == null) return;
        try {
            found.process.join();
        } catch (InterruptedException end) {
            Thread.currentThread().interrupt();
        }
    }

    /** In place of QuorumPeer.shutdown. */
    public static void stop(QuorumPeer peer) {
        PeerProcess found = BY_PEER.remove(peer);
        if (found != null) found.process.stop();
    }

    /** What `srvr` says of the peer's role. */
    public static ServerState stateOf(QuorumPeer peer) {
        String answer = answerOf(peer, "srvr");
        if (answer.contains("Mode: leader")) return ServerState.LEADING;
        if (answer.contains("Mode: follower")) return ServerState.FOLLOWING;
        if (answer.contains("Mode: observer")) return ServerState.OBSERVING;
        return ServerState.LOOKING;
    }

    /** The ensemble as the process knows it, or `otherwise` while it does not answer. */
    public static QuorumVerifier membersOf(QuorumPeer peer, QuorumVerifier otherwise) {
        String answer = answerOf(peer, "conf");
        int start = answer.indexOf("membership:");
        if (start < 0) return otherwise;
        try {
            Properties lines = new Properties();
            lines.load(new StringReader(answer.substring(answer.indexOf('\n', start) + 1)));
            return QuorumPeerConfig.parseDynamicConfig(lines, peer.getElectionType(), false, false, null);
        } catch (IOException | QuorumPeerConfig.ConfigException unexpected) {
            throw new IllegalStateException(answer, unexpected);
        }
    }

    /** The peer's own line in its view of the ensemble; null while the process does not answer, or is no member. */
    public static QuorumServer memberOf(QuorumPeer peer) {
        QuorumVerifier members = membersOf(peer, null);
        return members == null ? null : members.getAllMembers().get(peer.getMyId());
    }

    private static String answerOf(QuorumPeer peer, String word) {
        PeerProcess found = BY_PEER.get(peer);
        if (found == null) return "";
        try {
            return ServerProcess.ask(found.address, word, WORD_TIMEOUT_MS);
        } catch (IOException silent) {
            return found.hasMoved(peer.getMyId()) ? answerOf(peer, word) : "";
        }
    }

    /** Whether another member says that this one listens elsewhere now. */
    private boolean hasMoved(long id) {
        for (PeerProcess other : List.copyOf(BY_PEER.values())) {
            if (other == this) continue;
            try {
                Matcher line = Pattern.compile("server\\." + id + "=.*;(.*):(\\d+)")
                        .matcher(ServerProcess.ask(other.address, "conf", WORD_TIMEOUT_MS));
                if (!line.find() || Integer.parseInt(line.group(2)) == address.getPort()) continue;
                address = new InetSocketAddress(address.getAddress(), Integer.parseInt(line.group(2)));
                return true;
            } catch (IOException silentToo) {
                // The next one may know.
            }
        }
        return false;
    }

    private static InetSocketAddress addressOf(QuorumPeer peer) {
        ServerCnxnFactory factory = (ServerCnxnFactory) valueOf(peer, "cnxnFactory");
        return factory.getLocalAddress();
    }

    /** Tests set these two in the class that would have read the file. */
    private static Path completed(Path file) throws IOException {
        String text = Files.readString(file);
        StringBuilder more = new StringBuilder(text.endsWith("\n") ? "" : "\n");
        if (QuorumPeerConfig.isReconfigEnabled() && !text.contains("reconfigEnabled=")) {
            more.append("reconfigEnabled=true\n");
        }
        if (!QuorumPeerConfig.isStandaloneEnabled() && !text.contains("standaloneEnabled=")) {
            more.append("standaloneEnabled=false\n");
        }
        if (more.length() > 1) Files.writeString(file, text + more);
        return file;
    }

    /** The file of a change that was under way has been read in this JVM, and removed (QuorumPeer.setQuorumVerifier). */
    private static Path restored(QuorumPeer peer, Path file) throws IOException {
        QuorumVerifier seen = peer.getLastSeenQuorumVerifier();
        if (seen != null && seen.getVersion() > peer.getQuorumVerifier().getVersion()) {
            Files.writeString(Paths.get(file + QuorumPeerConfig.nextDynamicConfigFileSuffix), seen.toString());
        }
        return file;
    }

    private static Map<String, String> configOf(QuorumPeer peer) throws IOException {
        File folder = peer.getTxnFactory().getSnapDir().getParentFile();
        try (FileWriter id = new FileWriter(new File(folder, "myid"))) {
            id.write(String.valueOf(peer.getMyId()));
        }
        Map<String, String> config = new LinkedHashMap<>();
        config.put("dataDir", folder.getAbsolutePath());
        config.put("dataLogDir", peer.getTxnFactory().getDataLogDir().getParentFile().getAbsolutePath());
        config.put("tickTime", String.valueOf(peer.getTickTime()));
        config.put("initLimit", String.valueOf(peer.getInitLimit()));
        config.put("syncLimit", String.valueOf(peer.getSyncLimit()));
        config.put("connectToLearnerMasterLimit", String.valueOf(peer.getConnectToLearnerMasterLimit()));
        if (peer.areLocalSessionsEnabled()) config.put("localSessionsEnabled", "true");
        if (peer.isLocalSessionsUpgradingEnabled()) config.put("localSessionsUpgradingEnabled", "true");
        if (peer.getLearnerType() == LearnerType.OBSERVER) config.put("peerType", "observer");
        if (QuorumPeerConfig.isReconfigEnabled()) config.put("reconfigEnabled", "true");
        QuorumVerifier members = peer.getQuorumVerifier();
        String oracle = members.getOraclePath();
        if (oracle != null) config.put("oraclePath", oracle);
        Properties lines = new Properties();
        lines.load(new StringReader(members.toString()));
        for (String name : lines.stringPropertyNames()) {
            if (!name.equals("version")) config.put(name, lines.getProperty(name));
        }
        return config;
    }

    private static Object valueOf(QuorumPeer peer, String name) {
        try {
            Field field = QuorumPeer.class.getDeclaredField(name);
            field.setAccessible(true);
            return field.get(peer);
        } catch (ReflectiveOperationException changed) {
            throw new IllegalStateException(changed);
        }
    }
}
