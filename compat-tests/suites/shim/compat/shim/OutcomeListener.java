package compat.shim;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/**
 * Writes what JUnit says of each test, a JSON line each, to the file of -Dcompat.outcomes: one when it begins, one when it
 * ends, with the servers that ran meanwhile and the ports on which this JVM itself listened.
 *
 *   {"test":"CreateTest.testCreate","event":"begins"}
 *   {"test":"CreateTest.testCreate","event":"passed","ms":612,"servers":[4711],"listened":[],"detail":""}
 */
public final class OutcomeListener implements TestExecutionListener {
    private static final int DETAIL_CHARACTERS = 1_500;
    private static final Set<Long> MET = ConcurrentHashMap.newKeySet();

    private final Path file = Paths.get(System.getProperty("compat.outcomes"));
    private long startNanos;

    /** A server that has just been started belongs to the test that runs. */
    static void meets(long pid) {
        MET.add(pid);
    }

    @Override
    public void testPlanExecutionStarted(TestPlan plan) {
        OwnSockets.watch();
        if (Boolean.getBoolean("compat.peers")) PeerMethods.lead(plan);
    }

    @Override
    public void executionStarted(TestIdentifier test) {
        if (!test.isTest()) return;
        startNanos = System.nanoTime();
        MET.clear();
        MET.addAll(ServerProcess.alive());
        OwnSockets.take();
        write("{" + Json.member("test", nameOf(test)) + "," + Json.member("event", "begins") + "}\n");
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        if (test.isTest() || isOfClass(test)) ended(test, "skipped", reason);
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        boolean hasPassed = result.getStatus() == TestExecutionResult.Status.SUCCESSFUL;
        boolean hasFailed = result.getStatus() == TestExecutionResult.Status.FAILED;
        if (!test.isTest() && hasPassed) return;
        String outcome = hasPassed ? "passed" : hasFailed ? "failed" : "skipped";
        ended(test, outcome, result.getThrowable().map(OutcomeListener::textOf).orElse(""));
    }

    private void ended(TestIdentifier test, String outcome, String detail) {
        long ms = (System.nanoTime() - startNanos) / 1_000_000;
        write("{" + Json.member("test", nameOf(test))
                + "," + Json.member("event", outcome)
                + ",\"ms\":" + ms
                + ",\"servers\":" + array(MET)
                + ",\"listened\":" + array(OwnSockets.take())
                + "," + Json.member("detail", detail) + "}\n");
    }

    private static String array(Set<? extends Number> numbers) {
        return numbers.stream().map(String::valueOf).collect(Collectors.joining(",", "[", "]"));
    }

    private static boolean isOfClass(TestIdentifier test) {
        return test.getSource().filter(ClassSource.class::isInstance).isPresent();
    }

    /** `Class.method`, `Class.method(boolean)[1]`; the class alone for what happens around its tests. */
    private static String nameOf(TestIdentifier test) {
        Optional<TestSource> source = test.getSource();
        if (source.isPresent() && source.get() instanceof MethodSource) {
            String className = ((MethodSource) source.get()).getClassName();
            // The parameters say nothing, except before the number of one set of arguments.
            return simple(className) + "." + test.getLegacyReportingName().replaceFirst("\\([^)]*\\)$", "");
        }
        if (source.isPresent() && source.get() instanceof ClassSource) {
            return simple(((ClassSource) source.get()).getClassName());
        }
        return test.getLegacyReportingName();
    }

    private static String simple(String className) {
        return className.substring(className.lastIndexOf('.') + 1);
    }

    private static String textOf(Throwable error) {
        StringWriter text = new StringWriter();
        error.printStackTrace(new PrintWriter(text));
        return text.getBuffer().substring(0, Math.min(DETAIL_CHARACTERS, text.getBuffer().length()));
    }

    private void write(String line) {
        try {
            LaunchRecord.append(file, line);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
