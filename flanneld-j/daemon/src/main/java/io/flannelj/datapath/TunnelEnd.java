package io.flannelj.datapath;

import io.flannelj.device.TunFeatures;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.time.Duration;

/**
 * This node's end of the tunnels, fixed for the life of a data path.
 *
 * @param encapsulator what goes between the outer UDP header and the inner packet
 * @param subnet this node's lease, network form; inner packets for anything else, the other family included, are refused
 * @param address the tunnel address, of the same family, which ICMPv6 errors come from
 * @param mtuBytes MTU of the TUN device
 * @param features what the TUN device hands over undone
 * @param busyPoll how long an idle worker goes on asking for packets before it sleeps; zero for not at all
 * @param filterAcks whether of several bare TCP acknowledgements of one flow that wait together only the last is sent
 */
public record TunnelEnd(
        Encapsulator encapsulator,
        Cidr subnet,
        IpAddress address,
        int mtuBytes,
        TunFeatures features,
        Duration busyPoll,
        boolean filterAcks) {}
