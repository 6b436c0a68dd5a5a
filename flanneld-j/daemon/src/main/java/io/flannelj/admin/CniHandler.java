package io.flannelj.admin;

import java.util.Map;

/** Carries out CNI calls that arrive by the control socket. May block. */
public interface CniHandler {
    /**
     * The answer to one call.
     *
     * @param body what the plugin prints on standard output
     */
    record Reply(boolean success, String body) {}

    /**
     * Carries out one call.
     *
     * @param variables CNI_ environment variables, by name
     * @param stdin the network configuration
     */
    Reply handle(Map<String, String> variables, String stdin);
}
