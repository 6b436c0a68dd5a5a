package io.flannelj.config;

import io.flannelj.net.IpAddress;
import java.net.URI;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Collects mistakes, so that the operator hears of all of them at once. */
public final class Problems {
    private final String subject;
    private final Set<String> found = new LinkedHashSet<>();

    /**
     * @param subject what is checked, e.g. {@code the command line}
     */
    public Problems(String subject) {
        this.subject = subject;
    }

    /** Notes one under the name of what to change. */
    public void add(String where, String message) {
        found.add(where + ": " + message);
    }

    /** Notes one unless {@code good}. */
    public void unless(boolean good, String where, String message) {
        if (!good) {
            add(where, message);
        }
    }

    /** Reads an address; null where none was given, or, with a problem noted, where it is none. */
    @Nullable
    IpAddress address(String flag, String text) {
        if (text.isEmpty()) {
            return null;
        }
        try {
            return IpAddress.parse(text);
        } catch (IllegalArgumentException e) {
            add(flag, "must be an IP address, was \"" + text + "\"");
            return null;
        }
    }

    /** Whether it is a URL of HTTP without a user, with a port that there can be. */
    static boolean isUrl(String text) {
        try {
            URI uri = URI.create(text);
            return uri.getHost() != null
                    && uri.getUserInfo() == null
                    && uri.getPort() != 0
                    && uri.getPort() <= 65_535
                    && ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    boolean isEmpty() {
        return found.isEmpty();
    }

    /**
     * Ends the check.
     *
     * @throws ConfigException with every problem at once
     */
    public void throwIfAny() throws ConfigException {
        if (!found.isEmpty()) {
            throw new ConfigException(subject, List.copyOf(found));
        }
    }
}
