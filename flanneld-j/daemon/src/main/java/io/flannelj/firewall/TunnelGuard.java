package io.flannelj.firewall;

import io.flannelj.net.TunnelEndpoint;
import java.util.List;

/**
 * What keeps pods from forging packets of other nodes.
 *
 * @param endpoints where tunnel packets arrive; pods reach none of them, on no node
 * @param podLinks interfaces that pods and other containers are behind
 * @param tunnelLinks interfaces that tunnel packets leave when they are unwrapped
 * @param uplinks other interfaces that other nodes' packets come in by
 */
public record TunnelGuard(
        List<TunnelEndpoint> endpoints, List<String> podLinks, List<String> tunnelLinks, List<String> uplinks) {
    /** Guards nothing. */
    public static final TunnelGuard NONE = new TunnelGuard(List.of(), List.of(), List.of(), List.of());

    public TunnelGuard {
        endpoints = List.copyOf(endpoints);
        podLinks = List.copyOf(podLinks);
        tunnelLinks = List.copyOf(tunnelLinks);
        uplinks = List.copyOf(uplinks);
    }
}
