package compat.shim;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server as a process of its own, where a Java test would have started one inside its JVM. The test does not notice, and
 * which build it meets is decided outside:
 *
 *   -Dcompat.commands=FOLDER  a file for each build (Builds.java): its command, a word a line; {properties} stands for -D words,
 *                             {config} for the zoo.cfg
 *   -Dcompat.folder=FOLDER    where configurations and the servers' output go
 *
 * The -D words are this JVM's own system properties, as they are at the start: tests set them for the server beside them.
 * Always: no server outlives this JVM, and each start leaves a launch record.
 */
public final class ServerProcess {
    private static final long START_TIMEOUT_MS = 60_000;
    private static final long STOP_TIMEOUT_MS = 20_000;
    private static final int POLL_MS = 15;
    private static final int POLL_TIMEOUT_MS = 400;

    /** Below the range that the kernel gives to outgoing connections, so that none of them sits on the port. */
    private static final int LOWEST_PORT = 12_000;
    private static final int PORTS = 18_000;

    /** What the server of a test may be told; the rest of this JVM's properties is about the client or the test. */
    private static final List<String> FORWARDED = Arrays.asList(
            "zookeeper.", "znode.container.", "jute.maxbuffer", "readonlymode.enabled", "java.security.auth.login.config");
    private static final List<String> KEPT_BACK = Arrays.asList("zookeeper.junit.");

    private static final AtomicInteger STARTED = new AtomicInteger();
    private static final Set<ServerProcess> ALIVE = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> ALIVE.forEach(ServerProcess::kill)));
    }

    private final Process process;
    private final Path output;

    private ServerProcess(Process process, Path output) {
        this.process = process;
        this.output = output;
    }

    /**
     * Starts a server and waits until it serves.
     *
     * @param config the lines of its zoo.cfg
     * @param properties -D words beside the forwarded ones, which they win over
     * @param address where it will listen
     * @param isAlone false for a member of an ensemble, which serves only when others have joined it: its port is enough
     * @throws IOException with its last words when it ends or stays silent instead
     */
    public static ServerProcess start(
            Map<String, String> config, Map<String, String> properties, InetSocketAddress address, boolean isAlone)
            throws IOException {
        ServerProcess server = launch(config, properties);
        try {
            server.untilServing(address, isAlone);
        } catch (IOException error) {
            server.kill();
            throw error;
        }
        return server;
    }

    /** Starts a server and does not wait for it; the lines of its zoo.cfg are given. */
    static ServerProcess launch(Map<String, String> config, Map<String, String> properties) throws IOException {
        Path configFile = folder().resolve("zoo-" + STARTED.incrementAndGet() + ".cfg");
        List<String> lines = new ArrayList<>();
        config.forEach((key, value) -> lines.add(key + "=" + value));
        Files.write(configFile, lines, StandardCharsets.UTF_8);
        return launch(configFile, properties);
    }

    /** Starts a server with a zoo.cfg that is there, and does not wait for it. */
    static ServerProcess launch(Path configFile, Map<String, String> properties) throws IOException {
        Path output = folder().resolve("server-" + STARTED.incrementAndGet() + ".out");
        String build = Builds.of(configFile);
        Process process = new ProcessBuilder(command(build, configFile, properties))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        ServerProcess server = new ServerProcess(process, output);
        ALIVE.add(server);
        LaunchRecord.write(process.pid(), build, configFile);
        OutcomeListener.meets(process.pid());
        return server;
    }

    private static Path folder() {
        return Paths.get(System.getProperty("compat.folder"));
    }

    /** A port that nobody listens on. */
    public static int freePort() {
        for (;;) {
            int port = LOWEST_PORT + ThreadLocalRandom.current().nextInt(PORTS);
            try (ServerSocket probe = new ServerSocket(port)) {
                return probe.getLocalPort();
            } catch (IOException taken) {
                // Another one then.
            }
        }
    }

    /** Process ids of the servers that run now. */
    static Set<Long> alive() {
        Set<Long> pids = ConcurrentHashMap.newKeySet();
        ALIVE.forEach(server -> pids.add(server.process.pid()));
        return pids;
    }

    /** SIGTERM, as an operator stops it, then waits for the end. */
    public void stop() {
        process.destroy();
        if (!hasEnded(STOP_TIMEOUT_MS)) kill();
        ALIVE.remove(this);
    }

    /** SIGKILL. */
    public void kill() {
        process.destroyForcibly();
        hasEnded(STOP_TIMEOUT_MS);
        ALIVE.remove(this);
    }

    /** Waits for the end of the server, whoever brings it about. */
    public void join() throws InterruptedException {
        process.waitFor();
    }

    private static List<String> command(String build, Path configFile, Map<String, String> extra)
            throws IOException {
        List<String> words = new ArrayList<>();
        for (String word : Builds.command(build)) {
            if (word.equals("{properties}")) words.addAll(propertyWords(extra));
            else if (word.equals("{config}")) words.add(configFile.toString());
            else words.add(word);
        }
        return words;
    }

    private static List<String> propertyWords(Map<String, String> extra) {
        Map<String, String> all = new TreeMap<>();
        for (String name : System.getProperties().stringPropertyNames()) {
            boolean isForServers = FORWARDED.stream().anyMatch(name::startsWith);
            if (isForServers && KEPT_BACK.stream().noneMatch(name::startsWith)) all.put(name, System.getProperty(name));
        }
        all.putAll(extra);
        List<String> words = new ArrayList<>();
        all.forEach((name, value) -> words.add("-D" + name + "=" + value));
        return words;
    }

    private void untilServing(InetSocketAddress address, boolean isAlone) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(START_TIMEOUT_MS);
        while (System.nanoTime() < deadline) {
            if (hasEnded(POLL_MS)) throw new IOException("the server ended while starting: " + lastWords());
            if (isServing(address, isAlone)) return;
        }
        throw new IOException("the server did not serve in time: " + lastWords());
    }

    /** `srvr` is the one word that no whitelist can turn off. */
    private static boolean isServing(InetSocketAddress address, boolean isAlone) {
        try {
            if (isAlone) return ask(address, "srvr", POLL_TIMEOUT_MS).startsWith("Zookeeper version");
            ask(address, "", POLL_TIMEOUT_MS); // a member listens before it has joined its ensemble
            return true;
        } catch (IOException notYet) {
            return false;
        }
    }

    /**
     * What a server answers to a four-letter word.
     *
     * @throws IOException when it does not listen, or does not answer in time
     */
    static String ask(InetSocketAddress address, String word, int timeoutMs) throws IOException {
        InetAddress host = address.getAddress();
        InetAddress reachable = host.isAnyLocalAddress() ? InetAddress.getLoopbackAddress() : host;
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(reachable, address.getPort()), timeoutMs);
            if (word.isEmpty()) return "";
            socket.setSoTimeout(timeoutMs);
            socket.getOutputStream().write(word.getBytes(StandardCharsets.US_ASCII));
            return read(socket.getInputStream());
        }
    }

    private static String read(InputStream stream) throws IOException {
        return new String(stream.readAllBytes(), StandardCharsets.ISO_8859_1);
    }

    private boolean hasEnded(long timeoutMs) {
        try {
            return process.waitFor(timeoutMs, TimeUnit.MILLISECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return !process.isAlive();
        }
    }

    private String lastWords() {
        File file = output.toFile();
        try {
            String text = new String(Files.readAllBytes(file.toPath()), StandardCharsets.UTF_8);
            return text.substring(Math.max(0, text.length() - 2_000));
        } catch (IOException unreadable) {
            return unreadable.toString();
        }
    }
}
