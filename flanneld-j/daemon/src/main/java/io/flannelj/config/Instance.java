package io.flannelj.config;

import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * Which of several daemons on one host this is. What each of them must have for itself, files and firewall chains, bears
 * its name; a host's only daemon has none, and everything is called as with flannel.
 *
 * @param name 1 to 12 of a-z, 0-9 and dashes; empty for the only one
 */
public record Instance(String name) {
    /** iptables takes 28 characters for the name of a chain, of which FLANNEL-POSTRTG- has 16. */
    private static final Pattern FORM = Pattern.compile("[a-z0-9-]{0,12}");

    /** A host's only daemon. */
    public static final Instance ONLY = new Instance("");

    /**
     * Takes a name.
     *
     * @throws IllegalArgumentException when it cannot be one; says what can
     */
    public Instance {
        if (!FORM.matcher(name).matches()) {
            throw new IllegalArgumentException("must be 1 to 12 of a-z, 0-9 and -, was \"" + name + "\"");
        }
    }

    /** Whether there are others, from whom this one has to be told apart. */
    public boolean isOneOfMany() {
        return !name.isEmpty();
    }

    /** What stands behind the names of its chains and tables. */
    public String suffix() {
        return isOneOfMany() ? "-" + name : "";
    }

    /** Where subnet.env goes unless said otherwise. */
    public Path subnetFile() {
        return Path.of("/run/flannel", (isOneOfMany() ? name : "subnet") + ".env");
    }

    /** Where commands and the CNI plugin reach the daemon unless said otherwise. */
    public Path controlSocket() {
        return Path.of("/run/flannel-j", (isOneOfMany() ? name : "flanneld-j") + ".sock");
    }

    /** Where that is kept which must survive restarts unless said otherwise. */
    public Path stateDirectory() {
        return Path.of("/var/lib/flannel-j", name);
    }
}
