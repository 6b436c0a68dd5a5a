package io.flannelj.linux;

import io.flannelj.net.IpFamily;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/**
 * A non-blocking raw socket (raw(7)) that receives answers to pings with one identifier, whatever interface they arrive by, and
 * when they arrived. Filters in the kernel keep everything else away from it (ICMP_FILTER in raw(7), ICMPV6_FILTER in RFC 3542
 * §3.2, SO_ATTACH_FILTER in socket(7)). Of IPv4 it receives the whole packet, of IPv6 what follows the header.
 */
public final class EchoSocket extends MessageSocket {
    private static final int SOCK_RAW = 3;
    private static final int IPPROTO_ICMP = 1;
    private static final int IPPROTO_ICMPV6 = 58;
    private static final int SOL_RAW = 255;
    private static final int ICMP_FILTER = 1;
    private static final int ICMPV6_FILTER = 1;
    private static final int ECHO_REPLY = 0;
    private static final int ECHO_REPLY_V6 = 129;
    private static final int SO_ATTACH_FILTER = 26;
    private static final int SO_TIMESTAMPNS = 35;
    private static final int BUFFER_BYTES = 256 << 10;

    // Classic BPF, Documentation/networking/filter.rst
    private static final int LOAD_HEADER_LENGTH = 0xb1; // ldxb 4*([k]&0xf)
    private static final int LOAD_INDEXED = 0x48; // ldh [x + k]
    private static final int LOAD = 0x28; // ldh [k]
    private static final int JUMP_IF_EQUAL = 0x15;
    private static final int RETURN = 0x06;
    private static final int IDENTIFIER_AT = 4;
    private static final int WHOLE = 0xffff;

    private EchoSocket(Fd fd) {
        super(fd);
    }

    /**
     * Opens a socket.
     *
     * @param identifier of the pings, 0 to 65535
     * @throws SyscallException when we may not (CAP_NET_RAW)
     */
    public static EchoSocket open(IpFamily family, int identifier) throws SyscallException {
        int protocol = family == IpFamily.IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
        Fd fd = new Fd(LibC.check(
                LibC.calls().socket(family.number(), SOCK_RAW | SOCK_NONBLOCK | Fd.CLOEXEC, protocol),
                "open raw socket for",
                name(family)));
        if (!passOnly(fd, family, identifier)) {
            int errno = LibC.errno();
            fd.close();
            throw new SyscallException("filter", name(family), errno);
        }
        EchoSocket socket = new EchoSocket(fd);
        socket.setBufferBytes(BUFFER_BYTES);
        socket.trySetOption(SOL_SOCKET, SO_TIMESTAMPNS, 1);
        return socket;
    }

    private static String name(IpFamily family) {
        return family == IpFamily.IPV6 ? "ICMPv6" : "ICMP";
    }

    private static boolean passOnly(Fd fd, IpFamily family, int identifier) {
        ByteBuffer program = program(family, identifier);
        try {
            ByteBuffer filter = Fd.buffer(16)
                    .putShort(0, (short) (program.capacity() / 8))
                    .putLong(8, LibC.address(program)); // struct sock_fprog
            int level = family == IpFamily.IPV6 ? IPPROTO_ICMPV6 : SOL_RAW;
            return set(fd, level, family == IpFamily.IPV6 ? ICMPV6_FILTER : ICMP_FILTER, types(family)) == 0
                    && set(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter) == 0;
        } finally {
            Reference.reachabilityFence(program); // the filter points to it
        }
    }

    private static int set(Fd fd, int level, int option, ByteBuffer value) {
        return LibC.calls().setsockopt(fd.number(), level, option, value, value.capacity());
    }

    /** A set bit keeps a type away. */
    private static ByteBuffer types(IpFamily family) {
        ByteBuffer types = Fd.buffer(family == IpFamily.IPV6 ? 32 : 4);
        for (int at = 0; at < types.capacity(); at += 4) {
            types.putInt(at, -1);
        }
        int passed = family == IpFamily.IPV6 ? ECHO_REPLY_V6 : ECHO_REPLY;
        return types.putInt(passed / 32 * 4, ~(1 << passed % 32));
    }

    private static ByteBuffer program(IpFamily family, int identifier) {
        ByteBuffer program = Fd.buffer((family == IpFamily.IPV6 ? 4 : 5) * 8);
        if (family == IpFamily.IPV6) {
            instruction(program, LOAD, 0, 0, IDENTIFIER_AT);
        } else {
            instruction(program, LOAD_HEADER_LENGTH, 0, 0, 0);
            instruction(program, LOAD_INDEXED, 0, 0, IDENTIFIER_AT);
        }
        instruction(program, JUMP_IF_EQUAL, 0, 1, identifier);
        instruction(program, RETURN, 0, 0, WHOLE);
        instruction(program, RETURN, 0, 0, 0);
        return program.clear(); // back to its begin
    }

    /** A {@code struct sock_filter}. */
    private static void instruction(ByteBuffer program, int code, int ifTrue, int ifFalse, int operand) {
        program.putShort((short) code).put((byte) ifTrue).put((byte) ifFalse).putInt(operand);
    }
}
