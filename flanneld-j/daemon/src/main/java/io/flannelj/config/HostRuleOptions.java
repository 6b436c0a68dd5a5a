package io.flannelj.config;

import java.time.Duration;

/**
 * What the host does with pod traffic beside carrying it.
 *
 * @param masquerade {@code --ip-masq}: masquerade what leaves the pod network
 * @param randomFully let masquerading randomise ports fully, where the packet filter can
 * @param resync {@code --iptables-resync}: how often the rules are checked
 * @param acceptForwarded {@code --iptables-forward-rules}: accept forwarded pod traffic
 * @param blackholeRoute {@code --ip-blackhole-route}: keep a blackhole route for the node's own subnet
 * @param compatNft {@code --compat-nft}: flannel's nftables text also where it is wrong
 */
public record HostRuleOptions(
        boolean masquerade,
        boolean randomFully,
        Duration resync,
        boolean acceptForwarded,
        boolean blackholeRoute,
        boolean compatNft) {
    /** Checks what was given and notes every problem. */
    public static HostRuleOptions of(
            boolean masquerade,
            boolean randomFully,
            int resyncSeconds,
            boolean acceptForwarded,
            boolean blackholeRoute,
            boolean compatNft,
            Problems problems) {
        problems.unless(resyncSeconds >= 1, "--iptables-resync", "must be at least 1 second, was " + resyncSeconds);
        return new HostRuleOptions(
                masquerade, randomFully, Duration.ofSeconds(resyncSeconds), acceptForwarded, blackholeRoute, compatNft);
    }
}
