package io.flannelj.probe;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;

/**
 * A path to a peer.
 *
 * @param device that packets to it go into
 * @param subnet the peer's lease
 * @param node where its tunnel ends, or who is the gateway of a plain route
 * @param target the address that answers probes
 */
public record PathKey(String device, Cidr subnet, IpAddress node, IpAddress target, CarriedBy carriedBy) {
    /** Through a tunnel: the first address of the subnet answers, which flannel's daemons give to their device, too. */
    public static PathKey ofTunnel(String device, Cidr subnet, IpAddress node, CarriedBy carriedBy) {
        return new PathKey(device, subnet, node, subnet.address(), carriedBy);
    }

    /** By a plain route: the node itself answers, since nothing else is there before it has pods. */
    public static PathKey ofRoute(String device, Cidr subnet, IpAddress node) {
        return new PathKey(device, subnet, node, node, CarriedBy.KERNEL);
    }

    /** For people. */
    @Override
    public String toString() {
        return subnet + " of " + node;
    }
}
