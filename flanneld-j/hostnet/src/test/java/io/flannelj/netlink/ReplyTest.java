package io.flannelj.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.linux.Errno;
import io.flannelj.linux.SyscallException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReplyTest {
    private static final int SEQUENCE = 7;
    private static final int DONE = 3;
    private static final int NEWADDR = 20;
    private static final int DELLINK = 17;
    private static final int MULTI = 2;

    private final Reply<Address> addresses = new Reply<>(SEQUENCE, false, 8, Addresses::address, "list", "addresses");

    @Test
    void aDumpThatFailsHalfWaySaysSoAtItsEnd() {
        assertThatThrownBy(() -> addresses.take(message(20, DONE, MULTI, -Errno.EACCES)))
                .isInstanceOf(SyscallException.class)
                .hasMessageContaining("EACCES");
    }

    @Test
    void aDumpThatEndsWellIsWhole() throws SyscallException {
        assertThat(addresses.take(message(20, DONE, MULTI, 0))).isTrue();
        assertThat(addresses.found()).isEmpty();
    }

    @Test
    void aLengthThatTheDatagramCannotHoldIsRefused() {
        for (int length : new int[] {0, 15, 21, Integer.MAX_VALUE, -1}) {
            assertThatThrownBy(() -> addresses.take(message(length, NEWADDR, MULTI, 0)))
                    .as("length %d", length)
                    .isInstanceOf(SyscallException.class)
                    .hasMessageContaining("EBADMSG");
        }
    }

    @Test
    void anObjectShorterThanItsHeaderIsRefused() {
        assertThatThrownBy(() -> addresses.take(message(20, NEWADDR, MULTI, 0)))
                .isInstanceOf(SyscallException.class)
                .hasMessageContaining("EBADMSG");
    }

    @Test
    void aWatchPassesOverWhatItCannotRead() {
        List<HostWatch.Change> changes = new ArrayList<>();
        for (int length : new int[] {0, 15, 16, 20, 21, Integer.MAX_VALUE, -1}) {
            HostWatch.read(message(length, DELLINK, 0, 0), changes::add);
        }
        assertThat(changes).isEmpty();
    }

    /** 20 bytes. */
    private static ByteBuffer message(int length, int type, int flags, int payload) {
        return ByteBuffer.allocate(20)
                .order(ByteOrder.nativeOrder())
                .putInt(length)
                .putShort((short) type)
                .putShort((short) flags)
                .putInt(SEQUENCE)
                .putInt(0)
                .putInt(payload)
                .flip();
    }
}
