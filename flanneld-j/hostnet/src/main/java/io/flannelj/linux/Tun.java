package io.flannelj.linux;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** One queue of a TUN device, by ioctl (Linux, Documentation/networking/tuntap.rst). */
public final class Tun implements AutoCloseable {
    private static final int O_RDWR = 2;
    private static final int O_NONBLOCK = 0x800;
    private static final long TUNSETIFF = 0x4004_54caL;
    private static final long TUNSETOFFLOAD = 0x4004_54d0L;
    private static final int IFF_TUN = 0x0001;
    private static final int IFF_NO_PI = 0x1000;
    private static final int IFF_VNET_HDR = 0x4000;
    private static final int IFF_MULTI_QUEUE = 0x0100;
    private static final int MAX_NAME_BYTES = 15;
    private static final int IFREQ_BYTES = 40;

    private final Fd fd;
    private final String name;

    private Tun(Fd fd, String name) {
        this.fd = fd;
        this.name = name;
    }

    /**
     * Opens a device, non-blocking.
     *
     * @param devicePath usually {@code /dev/net/tun}
     * @param name at most 15 octets; with {@code %d} in it the kernel fills in the next free number
     * @param virtioHeader whether each packet stands behind a {@code struct virtio_net_hdr}
     * @param multiQueue whether more queues may be opened
     * @throws SyscallException when there is no driver, no permission, or the name is taken; says what to do
     */
    public static Tun open(String devicePath, String name, boolean virtioHeader, boolean multiQueue)
            throws SyscallException {
        byte[] octets = name.getBytes(StandardCharsets.UTF_8);
        if (octets.length == 0 || octets.length > MAX_NAME_BYTES) {
            throw new SyscallException(
                    "make TUN device", name, Errno.EINVAL, "a name has 1 to " + MAX_NAME_BYTES + " octets");
        }
        int number = LibC.calls().open(devicePath, O_RDWR | O_NONBLOCK | Fd.CLOEXEC, 0);
        if (number < 0) {
            throw new SyscallException("open", devicePath, LibC.errno(), openRemedy(devicePath, LibC.errno()));
        }
        Fd fd = new Fd(number);
        ByteBuffer request = Fd.buffer(IFREQ_BYTES);
        request.put(0, octets);
        int flags = IFF_TUN | IFF_NO_PI | (virtioHeader ? IFF_VNET_HDR : 0) | (multiQueue ? IFF_MULTI_QUEUE : 0);
        request.putShort(16, (short) flags);
        if (LibC.calls().ioctl(number, TUNSETIFF, request) < 0) {
            int errno = LibC.errno();
            fd.close();
            throw new SyscallException("make TUN device", name, errno, makeRemedy(name, errno));
        }
        byte[] chosen = new byte[16];
        request.get(0, chosen);
        int length = 0;
        while (length < chosen.length && chosen[length] != 0) {
            length++;
        }
        return new Tun(fd, new String(chosen, 0, length, StandardCharsets.UTF_8));
    }

    private static String openRemedy(String devicePath, int errno) {
        return switch (errno) {
            case Errno.ENOENT, Errno.ENODEV, Errno.ENXIO ->
                "load the driver: modprobe tun; in a container: --device " + devicePath;
            case Errno.EPERM, Errno.EACCES -> "run as root with CAP_NET_ADMIN; in a container: --device " + devicePath;
            default -> "";
        };
    }

    private static String makeRemedy(String name, int errno) {
        return switch (errno) {
            case Errno.EPERM -> "needs CAP_NET_ADMIN";
            case Errno.EBUSY -> "another process holds it";
            case Errno.EINVAL, Errno.EEXIST ->
                "a link of another kind may have that name: see `ip -d link show " + name
                        + "`, and delete it if flannel left it";
            default -> "";
        };
    }

    /**
     * Asks the kernel to hand over and accept packets with work undone.
     *
     * @param mask TUN_F_ bits
     * @return false when this kernel does not know them all
     */
    public boolean trySetOffload(int mask) {
        return LibC.calls().ioctl(fd.number(), TUNSETOFFLOAD, (long) mask) == 0;
    }

    /** The name that the kernel gave the device. */
    public String name() {
        return name;
    }

    public int fd() {
        return fd.number();
    }

    /** Closing the last queue removes the device. */
    @Override
    public void close() {
        fd.close();
    }
}
