package io.flannelj.device;

import io.flannelj.linux.FdIo;
import io.flannelj.linux.Sysctl;
import io.flannelj.linux.Tun;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.TrafficControl;
import io.netty.buffer.ByteBuf;
import java.io.IOException;

/**
 * A TAP device that takes Ethernet frames of a UDP tunnel uncut (TUN_F_UDP_TUNNEL_GSO, Linux 6.17), and sends them out by another
 * link, past this host's IP stack (tc-mirred(8)). Nothing is read from it. It exists as long as it is open, so a daemon that
 * dies leaves none behind.
 *
 * <p>Any number of threads may write; the rest is one thread's.
 */
public final class TapDevice implements TunQueue {
    private static final int HEADER_BYTES = 24; // struct virtio_net_hdr_v1_hash_tunnel
    private static final int OFFLOAD =
            0x01 | 0x02 | 0x04 | 0x80 | 0x100; // checksum, TSO4, TSO6, UDP tunnel, with outer checksum
    private static final int SEND_BUFFER_BYTES = 8 << 20; // as that of the tunnel's socket

    private final Tun tap;
    private volatile int index;

    private TapDevice(Tun tap, int index) {
        this.tap = tap;
        this.index = index;
    }

    /**
     * Makes a device, which is down.
     *
     * @param netlink of the calling thread's network namespace
     * @param devicePath usually {@code /dev/net/tun}
     * @param name of the interface, at most 15 characters; {@code %d} stands for the next free number
     * @throws IOException when this kernel has none that takes tunnelled super-packets, or there is no TUN driver or permission
     */
    public static TapDevice open(NetlinkSocket netlink, String devicePath, String name) throws IOException {
        Tun tap = Tun.openTap(devicePath, name);
        try {
            agree(tap);
            return new TapDevice(tap, new Links(netlink).require(tap.name()).index());
        } catch (IOException e) {
            tap.close();
            throw e;
        }
    }

    private static void agree(Tun tap) throws IOException {
        if (!tap.trySetHeaderBytes(HEADER_BYTES) || !tap.trySetOffload(OFFLOAD)) {
            throw new IOException("this kernel takes no super-packets in tunnels (Linux 6.17 does)");
        }
        tap.trySetSendBufferBytes(SEND_BUFFER_BYTES);
    }

    /**
     * Puts the device in order, whatever another process made of it: there, up, without addresses, and redirected.
     *
     * @param uplinkIndex of the link that frames leave by
     * @return whether it had to be made again
     * @throws IOException when the kernel refuses; names the operation
     */
    public boolean configure(NetlinkSocket netlink, int uplinkIndex) throws IOException {
        Links links = new Links(netlink);
        boolean isGone = links.find(index).isEmpty();
        if (isGone) {
            tap.attachAgain();
            agree(tap);
            index = links.require(tap.name()).index();
        }
        Link link = links.find(index).orElseThrow(() -> new IOException(tap.name() + " was deleted"));
        TrafficControl control = new TrafficControl(netlink);
        if (isGone || control.redirectedTo(index) != uplinkIndex) {
            control.redirect(index, uplinkIndex);
        }
        if (!link.isUp()) {
            withoutIpv6();
            links.setUp(link.index());
        }
        return isGone;
    }

    /** The device has no business with neighbours or routers. In a container /proc/sys may be read-only: then it says so to nobody. */
    private void withoutIpv6() {
        String disable = "net/ipv6/conf/" + tap.name() + "/disable_ipv6";
        try {
            if (Sysctl.exists(disable)) {
                Sysctl.write(disable, "1");
            }
        } catch (IOException e) {
            return;
        }
    }

    /** The name that the kernel gave it. */
    public String name() {
        return tap.name();
    }

    @Override
    public int fd() {
        return tap.fd();
    }

    /** Nothing is read. */
    @Override
    public int read(ByteBuf into, int offset, int room) {
        return 0;
    }

    @Override
    public int write(Iovecs frame) {
        int written = FdIo.writev(tap.fd(), frame.entryAddress(0), frame.count());
        return written < 0 ? -written : 0;
    }

    /** Index of the interface; another one after it had to be made again. */
    public int index() {
        return index;
    }

    @Override
    public void close() {
        tap.close();
    }
}
