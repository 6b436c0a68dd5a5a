package io.flannelj.config;

import io.flannelj.net.PlainText;
import java.util.List;

/** The operator's mistakes, all of them at once, each under the name of what to change. */
public final class ConfigException extends Exception {
    private static final long serialVersionUID = 1;

    private static final int LONGEST_PROBLEM = 600;

    private final String subject;
    private final transient List<String> problems;

    /**
     * @param subject what holds the mistakes, e.g. {@code network config}
     * @param problems one line each, {@code name: what is wrong}
     */
    public ConfigException(String subject, List<String> problems) {
        super(text(subject, lines(problems), "\n  ", "\n  "));
        this.subject = subject;
        this.problems = lines(problems);
    }

    /** The message in one line, for the log and for fields of a document. */
    public String oneLine() {
        return text(subject, problems, " ", "; ");
    }

    public List<String> problems() {
        return problems;
    }

    private static String text(String subject, List<String> problems, String begin, String separator) {
        return subject
                + (problems.size() == 1 ? " has a problem: " : " has " + problems.size() + " problems:" + begin)
                + String.join(separator, problems);
    }

    /** They quote what others wrote. */
    private static List<String> lines(List<String> problems) {
        return problems.stream()
                .map(problem -> PlainText.shorten(PlainText.escape(problem), LONGEST_PROBLEM))
                .toList();
    }
}
