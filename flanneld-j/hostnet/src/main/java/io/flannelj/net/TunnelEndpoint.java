package io.flannelj.net;

/**
 * Where other nodes' tunnel packets arrive on this node, whatever its address.
 *
 * @param protocol IP protocol number: 17 for UDP, 4 for IP in IP
 * @param port UDP port; 0 where the protocol has none
 */
public record TunnelEndpoint(int protocol, int port) {
    private static final int UDP = 17;
    private static final int IP_IN_IP = 4;

    /** A UDP port, as of vxlan, geneve and udp. */
    public static TunnelEndpoint udp(int port) {
        return new TunnelEndpoint(UDP, port);
    }

    /** IP in IP (RFC 2003), which has no ports. */
    public static TunnelEndpoint ipInIp() {
        return new TunnelEndpoint(IP_IN_IP, 0);
    }

    public boolean isUdp() {
        return protocol == UDP;
    }

    @Override
    public String toString() {
        return isUdp() ? "UDP port " + port : "IP protocol " + protocol;
    }
}
