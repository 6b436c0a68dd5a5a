package io.flannelj.firewall;

import io.flannelj.net.TunnelEndpoint;
import java.util.List;

/**
 * What keeps pods from forging packets of other nodes.
 *
 * @param endpoints where tunnel packets arrive; pods reach none of them, on no node
 * @param spokenByUs those of them that this process sends to by itself, so that nobody else on this node does
 * @param queryPort TCP port at which nodes tell each other what {@code explain} asks; for root alone; 0 for none
 * @param links who is behind which interface
 */
public record TunnelGuard(List<TunnelEndpoint> endpoints, List<TunnelEndpoint> spokenByUs, int queryPort, Links links) {
    /** Guards nothing. */
    public static final TunnelGuard NONE = new TunnelGuard(List.of(), List.of(), 0, Links.NONE);

    public TunnelGuard {
        endpoints = List.copyOf(endpoints);
        spokenByUs = List.copyOf(spokenByUs);
    }

    /**
     * Interfaces, by name. All of {@code strict} are in {@code pods}, and none of {@code tunnels} and {@code uplinks} is.
     *
     * @param pods that pods and other containers are behind
     * @param own that addresses of this node's subnet come in by
     * @param strict those of them that nobody's packets come in by to whom no route leads back there
     * @param tunnels that tunnel packets leave when they are unwrapped
     * @param uplinks other interfaces that other nodes' packets come in by
     */
    public record Links(
            List<String> pods, List<String> own, List<String> strict, List<String> tunnels, List<String> uplinks) {
        static final Links NONE = new Links(List.of(), List.of(), List.of(), List.of(), List.of());

        public Links {
            pods = List.copyOf(pods);
            own = List.copyOf(own);
            strict = List.copyOf(strict);
            tunnels = List.copyOf(tunnels);
            uplinks = List.copyOf(uplinks);
        }
    }
}
