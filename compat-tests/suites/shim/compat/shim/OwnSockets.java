package compat.shim;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Looks again and again at the sockets of this JVM that listen: a test that meets a server inside its own JVM has tested
 * nothing of ours. A port is reported when two looks in a row find the same socket on it; shorter ones are tests in search
 * of a free port.
 *
 * Source: proc(5), /proc/self/net/tcp; state 0A is LISTEN.
 */
final class OwnSockets {
    private static final int LOOK_EVERY_MS = 100;
    private static final String LISTEN = "0A";

    private static Set<String> seenBefore = new HashSet<>();
    private static final Set<Integer> PORTS = new TreeSet<>();

    private OwnSockets() {}

    static void watch() {
        Thread watcher = new Thread(OwnSockets::lookForEver, "own-sockets");
        watcher.setDaemon(true);
        watcher.start();
    }

    /** Ports that this JVM listened on since the last call. */
    static Set<Integer> take() {
        synchronized (PORTS) {
            Set<Integer> taken = new TreeSet<>(PORTS);
            PORTS.clear();
            return taken;
        }
    }

    private static void lookForEver() {
        for (;;) {
            try {
                look();
                Thread.sleep(LOOK_EVERY_MS);
            } catch (IOException vanished) {
                // A descriptor was closed while it was looked at; the next look will do.
            } catch (InterruptedException end) {
                return;
            }
        }
    }

    private static void look() throws IOException {
        Map<String, Integer> listening = new HashMap<>();
        addListening("/proc/self/net/tcp", listening);
        addListening("/proc/self/net/tcp6", listening);
        Set<String> own = new HashSet<>();
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Paths.get("/proc/self/fd"))) {
            for (Path descriptor : descriptors) {
                String inode = inodeOf(descriptor);
                if (listening.containsKey(inode)) own.add(inode);
            }
        }
        synchronized (PORTS) {
            for (String inode : own) if (seenBefore.contains(inode)) PORTS.add(listening.get(inode));
        }
        seenBefore = own;
    }

    private static String inodeOf(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().replaceAll("^socket:\\[(\\d+)]$", "$1");
        } catch (IOException closed) {
            return "";
        }
    }

    private static void addListening(String table, Map<String, Integer> portsByInode) throws IOException {
        for (String line : Files.readAllLines(Paths.get(table))) {
            String[] columns = line.trim().split("\\s+");
            if (columns.length < 10 || !columns[3].equals(LISTEN)) continue;
            String port = columns[1].substring(columns[1].indexOf(':') + 1);
            portsByInode.put(columns[9], Integer.parseInt(port, 16));
        }
    }
}
