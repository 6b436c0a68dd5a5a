package io.flannelj.cli;

import io.flannelj.config.HostRuleOptions;
import io.flannelj.config.Problems;
import picocli.CommandLine.Option;

/** What the host does with pod traffic beside carrying it, under flannel's names. */
final class HostRuleFlags {
    private static final String BOOL = "true|false";

    @Option(
            names = "--ip-masq",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "masquerade traffic that leaves the pod network (${DEFAULT-VALUE})")
    private boolean ipMasq;

    @Option(
            names = "--ip-masq-fully-random-disable",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "do not randomise ports fully when masquerading (${DEFAULT-VALUE})")
    private boolean randomFullyDisable;

    @Option(
            names = "--iptables-resync",
            paramLabel = "SECONDS",
            description = "check the firewall rules this often (${DEFAULT-VALUE})")
    private int firewallResyncSeconds = 5;

    @Option(
            names = "--iptables-forward-rules",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "accept forwarded pod traffic (${DEFAULT-VALUE})")
    private boolean forwardRules = true;

    @Option(
            names = "--ip-blackhole-route",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "keep a blackhole route for the node's own subnet (${DEFAULT-VALUE})")
    private boolean blackholeRoute;

    @Option(
            names = "--compat-nft",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "write flannel's nftables rules unchanged, with their faults (${DEFAULT-VALUE})")
    private boolean compatNft;

    HostRuleOptions options(Problems problems) {
        return HostRuleOptions.of(
                ipMasq, !randomFullyDisable, firewallResyncSeconds, forwardRules, blackholeRoute, compatNft, problems);
    }
}
