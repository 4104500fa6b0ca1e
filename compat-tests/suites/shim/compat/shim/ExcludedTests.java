package compat.shim;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.List;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestDescriptor;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.PostDiscoveryFilter;

/**
 * Leaves out the tests that the file of -Dcompat.excluded names, a line each: `Class.method`, or with a `*` at the end for any
 * rest. The lines come from expectations.json, which has the reason of each.
 */
public final class ExcludedTests implements PostDiscoveryFilter {
    private final List<String> patterns;

    public ExcludedTests() {
        try {
            patterns = Files.readAllLines(Paths.get(System.getProperty("compat.excluded")));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    @Override
    public FilterResult apply(TestDescriptor test) {
        String name = test.getSource()
                .filter(MethodSource.class::isInstance)
                .map(MethodSource.class::cast)
                .map(ExcludedTests::nameOf)
                .orElse("");
        return FilterResult.includedIf(name.isEmpty() || patterns.stream().noneMatch(pattern -> covers(pattern, name)));
    }

    private static String nameOf(MethodSource source) {
        String className = source.getClassName();
        return className.substring(className.lastIndexOf('.') + 1) + "." + source.getMethodName();
    }

    private static boolean covers(String pattern, String name) {
        boolean isPrefix = pattern.endsWith("*");
        return isPrefix ? name.startsWith(pattern.substring(0, pattern.length() - 1)) : name.equals(pattern);
    }
}
