package io.flannelj.cni.engine;

import io.flannelj.cni.Invocation;
import io.flannelj.netns.Netns;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Which interface of which container a call is about.
 *
 * @param containerId as the runtime names it
 * @param ifName name of the interface inside the container
 * @param netns path of the container's network namespace, as the runtime names it; empty when it has none any more
 * @param netnsFile where this process can open it
 */
record Attachment(String containerId, String ifName, String netns, String netnsFile) {
    private static final Pattern CONTAINER_ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");
    private static final Pattern IF_NAME = Pattern.compile("[^/:%\\s]{1,15}");

    Attachment(String containerId, String ifName, String netns) {
        this(containerId, ifName, netns, netns);
    }

    /** Reads the environment, and reports everything that is missing or malformed in it at once. */
    static Attachment of(Invocation invocation, boolean netnsRequired) throws CniException {
        List<String> problems = new ArrayList<>();
        String containerId = required(invocation, "CNI_CONTAINERID", problems);
        String ifName = required(invocation, "CNI_IFNAME", problems);
        String netns = netnsRequired ? required(invocation, "CNI_NETNS", problems) : invocation.variable("CNI_NETNS");
        if (!containerId.isEmpty() && !CONTAINER_ID.matcher(containerId).matches()) {
            problems.add("CNI_CONTAINERID may hold letters, digits, _ . and -, was \"" + containerId + "\"");
        }
        boolean wellNamed = IF_NAME.matcher(ifName).matches() && !ifName.equals(".") && !ifName.equals("..");
        if (!ifName.isEmpty() && !wellNamed) {
            problems.add("CNI_IFNAME must be 1 to 15 characters without / : % or blanks, was \"" + ifName + "\"");
        }
        if (!problems.isEmpty()) {
            throw new CniException(CniException.BAD_ENVIRONMENT, String.join("; ", problems));
        }
        String file = invocation.netnsFile();
        return new Attachment(containerId, ifName, netns, file.isEmpty() ? netns : file);
    }

    /** The container's namespace, which must not be the node's own. */
    Netns openNetns() throws IOException, CniException {
        Netns pod;
        try {
            pod = Netns.open(Path.of(netnsFile), netns);
        } catch (IOException | InvalidPathException e) {
            throw new CniException(
                    CniException.BAD_NETNS, "the network namespace cannot be opened: " + e.getMessage(), e);
        }
        try (Netns own = Netns.current()) {
            if (pod.isSameAs(own)) {
                pod.close();
                throw new CniException(CniException.BAD_NETNS, "CNI_NETNS " + netns + " is the node's own namespace");
            }
        }
        return pod;
    }

    private static String required(Invocation invocation, String name, List<String> problems) {
        String value = invocation.variable(name);
        if (value.isEmpty()) {
            problems.add(name + " is not set");
        }
        return value;
    }
}
