package io.flannelj.config;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Gathers mistakes, so that the operator hears of all of them at once. */
final class Problems {
    private final String subject;
    private final Set<String> found = new LinkedHashSet<>();

    Problems(String subject) {
        this.subject = subject;
    }

    void add(String where, String message) {
        found.add(where + ": " + message);
    }

    void unless(boolean good, String where, String message) {
        if (!good) {
            add(where, message);
        }
    }

    boolean isEmpty() {
        return found.isEmpty();
    }

    void throwIfAny() throws ConfigException {
        if (!found.isEmpty()) {
            throw new ConfigException(subject, List.copyOf(found));
        }
    }
}
