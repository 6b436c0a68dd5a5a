package io.flannelj.device;

import io.flannelj.linux.FdIo;
import io.flannelj.linux.Sysctl;
import io.flannelj.linux.Tun;
import io.flannelj.net.Cidr;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.netty.buffer.ByteBuf;
import java.io.IOException;

/**
 * A TUN device with one queue (Linux, Documentation/networking/tuntap.rst), with as much offload as the kernel agrees
 * to. The device exists as long as the queue is open, so a daemon that dies leaves none behind.
 */
public final class TunDevice implements TunQueue {
    private static final int EAGAIN = 11;
    private static final int OFFLOAD_CHECKSUM = 0x01;
    private static final int OFFLOAD_TSO4 = 0x02;
    private static final int OFFLOAD_TSO6 = 0x04;
    private static final int OFFLOAD_USO4 = 0x20;
    private static final int OFFLOAD_USO6 = 0x40;

    private final Tun tun;
    private final TunFeatures features;

    private TunDevice(Tun tun, TunFeatures features) {
        this.tun = tun;
        this.features = features;
    }

    /**
     * Makes a device.
     *
     * @param devicePath usually {@code /dev/net/tun}
     * @param name of the interface, at most 15 characters; {@code flannel%d} takes the next free number
     * @throws IOException when there is no TUN driver, no permission, or the name is taken; says which
     */
    public static TunDevice open(String devicePath, String name) throws IOException {
        Tun tun = Tun.open(devicePath, name, true, false);
        int tcp = OFFLOAD_CHECKSUM | OFFLOAD_TSO4 | OFFLOAD_TSO6;
        if (tun.trySetOffload(tcp | OFFLOAD_USO4 | OFFLOAD_USO6)) {
            return new TunDevice(tun, TunFeatures.ALL);
        }
        return new TunDevice(tun, tun.trySetOffload(tcp) ? new TunFeatures(true, true, false) : TunFeatures.NONE);
    }

    /**
     * Gives the device its address and MTU and sets it up.
     *
     * @return the interface's index
     */
    public int configure(NetlinkSocket netlink, Cidr address, int mtuBytes) throws IOException {
        // Without IPv6 in the network, the kernel's own neighbour discovery on this device would only be noise.
        String noIpv6 = "net/ipv6/conf/" + name() + "/disable_ipv6";
        if (address.isIpv4() && Sysctl.exists(noIpv6)) {
            quieten(noIpv6);
        }
        Links links = new Links(netlink);
        Link link = links.require(name());
        links.setMtu(link.index(), mtuBytes);
        new Addresses(netlink).addIfAbsent(link.index(), address);
        links.setUp(link.index());
        return link.index();
    }

    /** In a container that is not privileged /proc/sys is read-only; noise is no reason to fail. */
    private static void quieten(String noIpv6) {
        try {
            Sysctl.write(noIpv6, "1");
        } catch (IOException e) {
            return;
        }
    }

    /** The name that the kernel gave it. */
    public String name() {
        return tun.name();
    }

    public TunFeatures features() {
        return features;
    }

    @Override
    public int fd() {
        return tun.fd();
    }

    @Override
    public int read(ByteBuf into, int offset, int room) {
        int read = FdIo.read(tun.fd(), into.memoryAddress() + offset, room);
        return read == -EAGAIN ? 0 : read;
    }

    @Override
    public int write(Iovecs packet) {
        int written = FdIo.writev(tun.fd(), packet.entryAddress(0), packet.count());
        return written < 0 ? -written : 0;
    }

    @Override
    public void close() {
        tun.close();
    }
}
