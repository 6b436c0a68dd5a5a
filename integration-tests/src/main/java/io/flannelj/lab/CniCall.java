package io.flannelj.lab;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Calls a node's real CNI plugin, as a container runtime would. */
public final class CniCall {
    private final Node node;

    public CniCall(Node node) {
        this.node = node;
    }

    /** The node's network configuration. */
    public String configuration(String cniVersion) {
        return configuration(cniVersion, "");
    }

    /**
     * The node's network configuration.
     *
     * @param moreFields JSON fields with a comma in front of each
     */
    public String configuration(String cniVersion, String moreFields) {
        String delegate = node.bridge().equals("docker0") ? "" : ",\"delegate\":{\"bridge\":\"" + node.bridge() + "\"}";
        return "{\"cniVersion\":\"" + cniVersion + "\",\"name\":\"cbr0\",\"type\":\"flannel-j\",\"subnetFile\":\""
                + node.subnetFile() + "\",\"controlSocket\":\"" + node.controlSocketFile()
                + "\",\"dataDir\":\"" + node.directory().resolve("cni")
                + "\",\"ipam\":{\"dataDir\":\"" + node.addressDirectory() + "\"}" + delegate + moreFields + "}";
    }

    /** Calls with everything a runtime sets. */
    public Commands.Result call(String command, String containerId, String netns, String configuration) {
        return call(variables(command, containerId, netns), configuration);
    }

    /** Everything a runtime sets, for {@code eth0}; may be changed before the call. */
    public static Map<String, String> variables(String command, String containerId, String netns) {
        return new TreeMap<>(Map.of(
                "CNI_COMMAND",
                command,
                "CNI_CONTAINERID",
                containerId,
                "CNI_NETNS",
                netns,
                "CNI_IFNAME",
                "eth0",
                "CNI_PATH",
                "/opt/cni/bin"));
    }

    /** Calls with just these variables. */
    public Commands.Result call(Map<String, String> variables, String stdin) {
        return call("flannel-j", variables, stdin);
    }

    /** Calls one of the distribution's programs with just these variables. */
    public Commands.Result call(String program, Map<String, String> variables, String stdin) {
        return Commands.run(
                List.of("ip", "netns", "exec", node.namespace(), node.program("cni/" + program)), stdin, variables);
    }

    /**
     * Calls one of the distribution's programs from a shell in the node, which has a mount namespace of its own.
     *
     * @param before shell text in front of the program, e.g. {@code "mount … && "}
     */
    public Commands.Result callIn(
            String before, String program, String command, String containerId, String netns, String configuration) {
        Map<String, String> variables = variables(command, containerId, netns);
        String path = node.program("cni/" + program);
        return Commands.run(
                List.of("ip", "netns", "exec", node.namespace(), "sh", "-c", before + path), configuration, variables);
    }
}
