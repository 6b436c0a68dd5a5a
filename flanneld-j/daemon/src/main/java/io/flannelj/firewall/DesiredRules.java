package io.flannelj.firewall;

import io.flannelj.net.Cidr;

/**
 * What the firewall shall do for one family, that of the network.
 *
 * @param network the whole pod network
 * @param subnet this node's part of it
 * @param masquerade hide pods behind the node where they leave the pod network
 * @param randomFully let masquerading randomise ports fully, where the firewall can
 * @param acceptForwarded accept forwarded pod traffic, whatever the policy
 * @param compatNft write flannel's own nftables text, also where it is wrong
 * @param guard what keeps pods from forging packets of other nodes
 */
public record DesiredRules(
        Cidr network,
        Cidr subnet,
        boolean masquerade,
        boolean randomFully,
        boolean acceptForwarded,
        boolean compatNft,
        TunnelGuard guard) {}
