package io.flannelj.device;

import io.flannelj.linux.Errno;
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
import java.util.ArrayList;
import java.util.List;

/**
 * A TUN device (Linux, Documentation/networking/tuntap.rst) with one queue or several, with as much offload as the kernel
 * agrees to. The device exists as long as a queue is open, so a daemon that dies leaves none behind.
 */
public final class TunDevice implements AutoCloseable {
    private static final int OFFLOAD_CHECKSUM = 0x01;
    private static final int OFFLOAD_TSO4 = 0x02;
    private static final int OFFLOAD_TSO6 = 0x04;
    private static final int OFFLOAD_USO4 = 0x20;
    private static final int OFFLOAD_USO6 = 0x40;
    private static final int ATTEMPTS = 10;

    private final String name;
    private final List<TunQueue> queues;
    private final TunFeatures features;

    private TunDevice(String name, List<TunQueue> queues, TunFeatures features) {
        this.name = name;
        this.queues = List.copyOf(queues);
        this.features = features;
    }

    /**
     * Makes a device.
     *
     * @param devicePath usually {@code /dev/net/tun}
     * @param name of the interface, at most 15 characters; {@code flannel%d} takes the next free number
     * @param queueCount 1 or more; with several, the kernel keeps each flow on one (IFF_MULTI_QUEUE)
     * @throws IOException when there is no TUN driver, no permission, or the name is taken; says which
     */
    public static TunDevice open(String devicePath, String name, int queueCount) throws IOException {
        List<TunQueue> queues = new ArrayList<>();
        try {
            boolean several = queueCount > 1;
            Tun first = several ? openAlone(devicePath, name) : Tun.open(devicePath, name, true, false);
            queues.add(new Queue(first));
            TunFeatures features = agree(first);
            for (int i = 1; i < queueCount; i++) {
                Tun next = Tun.open(devicePath, first.name(), true, true);
                queues.add(new Queue(next));
                agree(next);
            }
            return new TunDevice(first.name(), queues, features);
        } catch (IOException e) {
            queues.forEach(TunQueue::close);
            throw e;
        }
    }

    /**
     * Opens the first of several queues, of a device that nobody else has one of. Until it is root's, a moment after it was made,
     * any user may open one, would get a share of the pods' packets by it, and would keep the device when this process ends.
     */
    private static Tun openAlone(String devicePath, String name) throws IOException {
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            Links links = new Links(netlink);
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                Tun tun = Tun.open(devicePath, name, true, true);
                try {
                    int index = links.require(tun.name()).index();
                    if (links.tunQueues(index) <= 1) {
                        return tun;
                    }
                    links.delete(index); // and with it what the others hold
                } catch (IOException e) {
                    tun.close();
                    throw e;
                }
                tun.close();
            }
        }
        throw new IOException("another process opens queues of the TUN device " + name + " each time it is made");
    }

    private static TunFeatures agree(Tun tun) {
        int tcp = OFFLOAD_CHECKSUM | OFFLOAD_TSO4 | OFFLOAD_TSO6;
        if (tun.trySetOffload(tcp | OFFLOAD_USO4 | OFFLOAD_USO6)) {
            return TunFeatures.ALL;
        }
        return tun.trySetOffload(tcp) ? new TunFeatures(true, true, false) : TunFeatures.NONE;
    }

    /**
     * Gives the device its address and MTU and sets it up.
     *
     * @return the interface's index
     */
    public int configure(NetlinkSocket netlink, Cidr address, int mtuBytes) throws IOException {
        String ipv6 = "net/ipv6/conf/" + name() + "/";
        if (Sysctl.exists(ipv6 + "disable_ipv6")) {
            // What the kernel would discover about neighbours and routers on this device would only be noise.
            setBestEffort(ipv6 + "addr_gen_mode", "1");
            setBestEffort(ipv6 + "accept_ra", "0");
            setBestEffort(ipv6 + "router_solicitations", "0");
            setBestEffort(ipv6 + "disable_ipv6", address.isIpv4() ? "1" : "0");
        } else if (address.isIpv6()) {
            throw new IOException(
                    "this kernel runs without IPv6, which the network config asks for; boot it without ipv6.disable=1,"
                            + " or set EnableIPv6 to false");
        }
        // A peer may send by another encapsulation, and so by another device, than it is sent to by.
        setBestEffort("net/ipv4/conf/" + name() + "/rp_filter", "2");
        Links links = new Links(netlink);
        Link link = links.require(name());
        links.setMtu(link.index(), mtuBytes);
        new Addresses(netlink).addIfAbsent(link.index(), address);
        links.setUp(link.index());
        return link.index();
    }

    /** In a container that is not privileged /proc/sys is read-only; noise is no reason to fail. */
    private static void setBestEffort(String key, String value) {
        try {
            Sysctl.write(key, value);
        } catch (IOException e) {
            return;
        }
    }

    /** The name that the kernel gave it. */
    public String name() {
        return name;
    }

    public TunFeatures features() {
        return features;
    }

    /** Its queues; closing the last one removes the device. */
    public List<TunQueue> queues() {
        return queues;
    }

    @Override
    public void close() {
        queues.forEach(TunQueue::close);
    }

    private record Queue(Tun tun) implements TunQueue {
        @Override
        public int fd() {
            return tun.fd();
        }

        @Override
        public int read(ByteBuf into, int offset, int room) {
            int read = FdIo.read(tun.fd(), into.memoryAddress() + offset, room);
            return read == -Errno.EAGAIN || read == -Errno.EINTR ? 0 : read;
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
}
