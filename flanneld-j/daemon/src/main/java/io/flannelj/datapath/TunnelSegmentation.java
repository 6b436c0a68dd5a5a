package io.flannelj.datapath;

import io.flannelj.device.TunQueue;
import io.flannelj.net.IpAddress;
import java.util.function.ObjIntConsumer;

/**
 * The way out of super-packets that leave uncut: outer headers and all are written to a TAP device, which leads past this host's
 * IP stack to the uplink, and the kernel or the network card cuts them. Of a peer without a {@link NextHop} packets go by the
 * socket.
 *
 * @param device takes a {@link io.flannelj.packet.VirtioTunnelHeader}, an Ethernet frame behind it; any number of workers may
 *     write to it
 * @param local outer source address, as the socket's
 * @param port outer source port, as the socket's
 * @param onRefused told, on an event loop, of each peer whose super-packets the kernel refuses, and the errno; once for each
 */
public record TunnelSegmentation(TunQueue device, IpAddress local, int port, ObjIntConsumer<Peer> onRefused) {}
