package io.flannelj.linux;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * One queue of a TUN or TAP device, by ioctl (Linux, Documentation/networking/tuntap.rst). The device is root's: of one without
 * an owner any user who can open {@code /dev/net/tun}, which is everybody on most systems, may open further queues
 * (drivers/net/tun.c, tun_not_capable).
 */
public final class Tun implements AutoCloseable {
    private static final int O_RDWR = 2;
    private static final int O_NONBLOCK = 0x800;
    private static final long TUNSETIFF = 0x4004_54caL;
    private static final long TUNSETOWNER = 0x4004_54ccL;
    private static final long TUNSETOFFLOAD = 0x4004_54d0L;
    private static final long TUNSETSNDBUF = 0x4004_54d4L;
    private static final long TUNSETVNETHDRSZ = 0x4004_54d8L;
    private static final int IFF_TUN = 0x0001;
    private static final int IFF_TAP = 0x0002;
    private static final int IFF_NO_PI = 0x1000;
    private static final int IFF_VNET_HDR = 0x4000;
    private static final int IFF_MULTI_QUEUE = 0x0100;
    private static final int MAX_NAME_BYTES = 15;
    private static final int IFREQ_BYTES = 40;
    private static final long ROOT = 0;

    private final Fd fd;
    private final String name;
    private final int flags;

    private Tun(Fd fd, String name, int flags) {
        this.fd = fd;
        this.name = name;
        this.flags = flags;
    }

    /**
     * Opens a device, non-blocking.
     *
     * @param devicePath usually {@code /dev/net/tun}
     * @param name at most 15 bytes; with {@code %d} in it the kernel fills in the next free number
     * @param virtioHeader whether each packet stands behind a {@code struct virtio_net_hdr}
     * @param multiQueue whether more queues may be opened
     * @throws SyscallException when there is no driver, no permission, or the name is taken; says what to do
     */
    public static Tun open(String devicePath, String name, boolean virtioHeader, boolean multiQueue)
            throws SyscallException {
        int flags = IFF_TUN | IFF_NO_PI | (virtioHeader ? IFF_VNET_HDR : 0) | (multiQueue ? IFF_MULTI_QUEUE : 0);
        return open(devicePath, name, flags);
    }

    /**
     * Opens a TAP device of one queue, non-blocking: frames behind a {@code struct virtio_net_hdr}.
     *
     * @throws SyscallException as {@link #open}
     */
    public static Tun openTap(String devicePath, String name) throws SyscallException {
        return open(devicePath, name, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
    }

    private static Tun open(String devicePath, String name, int flags) throws SyscallException {
        int number = LibC.calls().open(devicePath, O_RDWR | O_NONBLOCK | Fd.CLOEXEC, 0);
        if (number < 0) {
            throw new SyscallException("open", devicePath, LibC.errno(), openRemedy(devicePath, LibC.errno()));
        }
        Fd fd = new Fd(number);
        try {
            return new Tun(fd, attach(fd, name, flags), flags);
        } catch (SyscallException e) {
            fd.close();
            throw e;
        }
    }

    /** Makes the device, or joins it, and has it owned by root; returns its name. */
    private static String attach(Fd fd, String name, int flags) throws SyscallException {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (bytes.length == 0 || bytes.length > MAX_NAME_BYTES) {
            throw new SyscallException(
                    "make TUN device", name, Errno.EINVAL, "a name has 1 to " + MAX_NAME_BYTES + " bytes");
        }
        ByteBuffer request = Fd.buffer(IFREQ_BYTES);
        request.put(0, bytes);
        request.putShort(16, (short) flags);
        if (LibC.calls().ioctl(fd.number(), TUNSETIFF, request) < 0) {
            int errno = LibC.errno();
            throw new SyscallException("make TUN device", name, errno, makeRemedy(name, errno));
        }
        if (LibC.calls().ioctl(fd.number(), TUNSETOWNER, ROOT) < 0) {
            throw new SyscallException("give to root TUN device", name, LibC.errno());
        }
        byte[] chosen = new byte[16];
        request.get(0, chosen);
        int length = 0;
        while (length < chosen.length && chosen[length] != 0) {
            length++;
        }
        return new String(chosen, 0, length, StandardCharsets.UTF_8);
    }

    /**
     * Makes the device again, under its name, after another process deleted it. Descriptor, offload and header size stay to be set.
     *
     * @throws SyscallException EEXIST while it is there
     */
    public void attachAgain() throws SyscallException {
        attach(fd, name, flags);
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

    /**
     * Asks for a virtio header of another length than 10 bytes in front of each packet.
     *
     * @return false when this kernel has none of that length
     */
    public boolean trySetHeaderBytes(int bytes) {
        return LibC.calls().ioctl(fd.number(), TUNSETVNETHDRSZ, Fd.buffer(4).putInt(0, bytes)) == 0;
    }

    /** Limits the memory of written packets that have not left this host; further writes fail with EAGAIN. */
    public boolean trySetSendBufferBytes(int bytes) {
        return LibC.calls().ioctl(fd.number(), TUNSETSNDBUF, Fd.buffer(4).putInt(0, bytes)) == 0;
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
