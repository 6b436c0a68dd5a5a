package io.flannelj.cli;

import io.flannelj.net.PlainText;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Go's ways with flags: one dash or two, and the environment for what the command line leaves out. */
final class FlagSyntax {
    private static final String ENVIRONMENT_PREFIX = "FLANNELD_";

    private static final String JAVA_OPTIONS = "FLANNELD_JAVA_OPTS";
    /** As the kubelet sets them, with their values. */
    private static final Pattern OF_A_SERVICE = Pattern.compile(
            "FLANNELD_(?:.*_)?(?:SERVICE_HOST=.*|SERVICE_PORT(?:_.*)?=.*|PORT_\\d+_.*=.*|PORT=[a-z]+://.*)");

    private FlagSyntax() {}

    /** Go does not care how many dashes a flag has; picocli wants two on long ones. */
    static String[] normalised(String[] arguments) {
        return Arrays.stream(arguments)
                .map(argument -> argument.length() > 2
                                && argument.charAt(0) == '-'
                                && argument.charAt(1) != '-'
                                && argument.charAt(2) != '='
                        ? "-" + argument
                        : argument)
                .toArray(String[]::new);
    }

    /** The environment variable that stands for a flag. */
    static String variable(String flag) {
        return ENVIRONMENT_PREFIX + flag.toUpperCase(Locale.ROOT).replace('-', '_');
    }

    /**
     * What is said of variables that look as if they stood for a flag and do not, one line each. Those of the virtual machine's options,
     * and of a Kubernetes service that is called flanneld, are meant otherwise.
     *
     * @param flags without dashes
     */
    static List<String> unknownVariables(Map<String, String> environment, Collection<String> flags) {
        List<String> known = flags.stream().map(FlagSyntax::variable).toList();
        return environment.keySet().stream()
                .filter(name -> name.startsWith(ENVIRONMENT_PREFIX)
                        && !known.contains(name)
                        && !name.equals(JAVA_OPTIONS)
                        && !OF_A_SERVICE
                                .matcher(name + "=" + environment.get(name))
                                .matches())
                .sorted()
                .map(name ->
                        "the environment variable " + PlainText.escape(name) + " is ignored, for it stands for no flag"
                                + nearest(name, known)
                                        .map(meant -> "; did you mean " + meant + "?")
                                        .orElse("; see flanneld-j --help"))
                .toList();
    }

    /** Which of the known flags an unknown one was probably meant to be. */
    static Optional<String> nearest(String unknown, Iterable<String> known) {
        String name = unknown.replaceFirst("=.*$", "");
        String best = null;
        int least = Math.min(4, 1 + name.replace("-", "").length() / 2); // further away it would be a guess
        for (String candidate : known) {
            int distance = distance(name, candidate);
            if (distance < least) {
                least = distance;
                best = candidate;
            }
        }
        return Optional.ofNullable(best);
    }

    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
