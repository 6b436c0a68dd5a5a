package io.flannelj.linux;

import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Asks an Ethernet who has an IPv4 address (RFC 826), and hears all answers, where the kernel takes one.
 *
 * @param linkIndex interface that it is asked by
 * @param mac of that interface
 * @param from whom the answers are for; an address of this node
 */
public record ArpQuestion(int linkIndex, MacAddress mac, IpAddress from) {
    private static final int AF_PACKET = 17;
    private static final int SOCK_RAW = 3;
    private static final int ARP = 0x0806;
    private static final int IPV4 = 0x0800;
    private static final int REPLY = 2;
    private static final int SOCKET_ADDRESS_BYTES = 20; // struct sockaddr_ll
    private static final int FRAME_BYTES = 42;
    private static final int TYPE = 12;
    private static final int OPERATION = 20;
    private static final int SENDER_MAC = 22;
    private static final int SENDER_ADDRESS = 28;

    /**
     * Asks once.
     *
     * @param millis how long answers are waited for; all of it
     * @return who says to have the address; none when nobody does
     */
    public Set<MacAddress> whoHas(IpAddress address, int millis) throws SyscallException {
        return ask(address, millis, Integer.MAX_VALUE);
    }

    /**
     * Asks once, and waits for one answer.
     *
     * @param millis how long it is waited for
     * @return whether somebody says to have the address
     */
    public boolean isAnswered(IpAddress address, int millis) throws SyscallException {
        return !ask(address, millis, 1).isEmpty();
    }

    private Set<MacAddress> ask(IpAddress address, int millis, int most) throws SyscallException {
        String subject = "packet socket on link " + linkIndex;
        try (Fd fd = new Fd(
                LibC.check(LibC.calls().socket(AF_PACKET, SOCK_RAW | Fd.CLOEXEC, bigEndian(ARP)), "open", subject))) {
            ByteBuffer link = Fd.buffer(SOCKET_ADDRESS_BYTES)
                    .putShort(0, (short) AF_PACKET)
                    .putShort(2, (short) bigEndian(ARP))
                    .putInt(4, linkIndex);
            LibC.check(LibC.calls().bind(fd.number(), link, SOCKET_ADDRESS_BYTES), "bind", subject);
            if (LibC.calls().send(fd.number(), request(address), FRAME_BYTES, 0) < 0) {
                throw new SyscallException("send by", subject, LibC.errno());
            }
            Set<MacAddress> holders = new LinkedHashSet<>();
            ByteBuffer frame = Fd.buffer(FRAME_BYTES).order(ByteOrder.BIG_ENDIAN);
            long end = System.nanoTime() + millis * 1_000_000L;
            for (long left = millis; left > 0 && holders.size() < most; left = (end - System.nanoTime()) / 1_000_000L) {
                NodeSocket.setPatience(fd, (int) left);
                long bytes = LibC.calls().recv(fd.number(), frame, FRAME_BYTES, 0);
                if (bytes >= FRAME_BYTES && isAnswer(frame, address)) {
                    byte[] holder = new byte[6];
                    frame.get(SENDER_MAC, holder);
                    holders.add(MacAddress.ofBytes(holder));
                }
            }
            return holders;
        }
    }

    private ByteBuffer request(IpAddress address) {
        ByteBuffer frame = Fd.buffer(FRAME_BYTES).order(ByteOrder.BIG_ENDIAN);
        for (int i = 0; i < 6; i++) {
            frame.put((byte) 0xff);
        }
        frame.put(mac.toBytes()).putShort((short) ARP);
        frame.putShort((short) 1)
                .putShort((short) IPV4)
                .put((byte) 6)
                .put((byte) 4)
                .putShort((short) 1);
        return frame.put(mac.toBytes())
                .put(from.toBytes())
                .put(new byte[6])
                .put(address.toBytes())
                .position(0);
    }

    private static boolean isAnswer(ByteBuffer frame, IpAddress address) {
        byte[] sender = new byte[4];
        frame.get(SENDER_ADDRESS, sender);
        return frame.getShort(TYPE) == ARP
                && frame.getShort(OPERATION) == REPLY
                && IpAddress.ofBytes(sender).equals(address);
    }

    private static int bigEndian(int value) {
        return ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? Short.reverseBytes((short) value) & 0xffff : value;
    }
}
