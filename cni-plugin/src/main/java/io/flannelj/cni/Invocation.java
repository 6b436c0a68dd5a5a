package io.flannelj.cni;

import java.util.Map;

/**
 * One call of the plugin, as the specification (CNI 1.1, section 2) passes it: environment and standard input.
 *
 * @param variables the CNI_ environment variables that are set
 * @param stdin the network configuration, JSON; not parsed yet
 */
public record Invocation(Map<String, String> variables, String stdin) {
    public Invocation {
        variables = Map.copyOf(variables);
    }

    /** A variable's value; empty when it is not set. */
    public String variable(String name) {
        return variables.getOrDefault(name, "");
    }
}
