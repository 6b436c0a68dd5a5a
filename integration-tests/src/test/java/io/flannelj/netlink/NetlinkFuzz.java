package io.flannelj.netlink;

import io.flannelj.fuzz.Input;
import io.flannelj.fuzz.Promise;
import io.flannelj.linux.SyscallException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The kernel's answers: one byte says what was asked, then datagram by datagram its length (2 bytes) and its bytes, in the
 * order of a little-endian machine. As an answer to request 1 they are read, or refused by a SyscallException; as what is reported
 * to a HostWatch they are read or passed over.
 */
public final class NetlinkFuzz {
    private static final int SEQUENCE = 1;
    private static final int LINK = 2;
    private static final int MAX_DATAGRAMS = 8;

    private NetlinkFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        Reply<?> reply = asked(input.u8());
        boolean whole = false;
        for (int i = 0; i < MAX_DATAGRAMS && !whole && !input.isEmpty(); i++) {
            byte[] bytes = input.bytes(input.u16());
            ByteBuffer datagram = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.LITTLE_ENDIAN);
            datagram.put(bytes).flip();
            HostWatch.read(datagram, change -> Promise.holds(!change.toString().isEmpty(), "no change"));
            try {
                whole = reply.take(datagram);
            } catch (SyscallException e) {
                Promise.holds(e.errno() > 0, "no error number: " + e.getMessage());
                return;
            }
        }
        reply.found().forEach(found -> Promise.holds(!found.toString().isEmpty(), "an object that cannot be shown"));
    }

    private static Reply<?> asked(int what) {
        boolean acknowledged = (what & 0x80) != 0;
        return switch (what % 6) {
            case 0 -> reply(acknowledged, 16, Links::link);
            case 1 -> reply(acknowledged, 16, TunnelDevices::vxlan);
            case 2 -> reply(acknowledged, 8, Addresses::address);
            case 3 -> reply(acknowledged, 12, Routes.of(Route.MAIN_TABLE));
            case 4 -> reply(acknowledged, Neighbors.HEADER_BYTES, Neighbors.of(LINK));
            default -> reply(acknowledged, 12, Routes::route);
        };
    }

    private static <T> Reply<T> reply(boolean acknowledged, int headerBytes, Answer.Reader<T> reader) {
        return new Reply<>(SEQUENCE, acknowledged, headerBytes, reader, "read", "answers");
    }
}
