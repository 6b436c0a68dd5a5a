package io.flannelj.explain;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.IpAddress;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SocketTableTest {
    private static final String TABLE = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 8002050A:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
               1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2
               2: 8002050A:0016 0102050A:9C40 01 00000000:00000000 00:00000000 00000000     0        0 3
            """;
    private static final IpAddress POD = IpAddress.parse("10.5.2.128");
    private static final int LISTENING = 10;

    @BeforeEach
    void onLittleEndians() {
        Assumptions.assumeTrue(ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN, "the table is of such a machine");
    }

    @Test
    void aSocketOfTheAddressOrOfAnyListens() {
        assertThat(takes(POD, 80)).isTrue();
        assertThat(takes(POD, 8080)).isTrue();
    }

    @Test
    void othersDoNot() {
        assertThat(takes(IpAddress.parse("10.5.2.129"), 80))
                .as("another address")
                .isFalse();
        assertThat(takes(POD, 22)).as("connected").isFalse();
        assertThat(takes(POD, 443)).as("another port").isFalse();
    }

    @Test
    void anIpv4AddressInTheListOfIpv6IsOne() {
        String line = "\n 0: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A";
        assertThat(SocketTable.listeners(line, LISTENING)).hasToString("[127.0.0.1:8080]");
        assertThat(SocketTable.listeners("\n 0: nonsense 0 0A\n 1: 0000000G:0050 0 0A", LISTENING))
                .isEmpty();
    }

    private static boolean takes(IpAddress address, int port) {
        return SocketTable.listeners(TABLE, LISTENING).stream().anyMatch(listener -> listener.takes(address, port));
    }
}
