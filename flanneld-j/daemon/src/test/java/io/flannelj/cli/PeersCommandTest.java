package io.flannelj.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class PeersCommandTest {
    private static final String PEERS = """
            [{"subnet": "10.244.117.0/24", "publicIp": "192.168.100.101", "backend": "vxlan", "superPackets": "uncut",
              "packetsOut": 123456789, "bytesOut": 123456789012, "packetsIn": 987654321, "bytesIn": 987654321098,
              "paths": [{"rttSmoothedMillis": 12.34, "probes": 64, "lossPercent": 100, "mtu": 1450, "tunnelMtu": 1450}]},
             {"subnet": "10.244.9.0/24", "publicIp": "192.168.100.2", "backend": "udp", "problem": "it carries udp"}]
            """;

    private static List<String> shown(String... flags) throws IOException {
        StringWriter out = new StringWriter();
        PrintWriter to = new PrintWriter(out, true);
        PeersCommand command = new PeersCommand(to, to);
        new picocli.CommandLine(command).parseArgs(flags);
        command.show(new ObjectMapper().readTree(PEERS), to);
        return out.toString().lines().toList();
    }

    @Test
    void theTableFitsATerminalAndItsColumnsAreAligned() throws IOException {
        assertThat(shown())
                .containsExactly(
                        "SUBNET           NODE                  RTT   LOSS   MTU  PACKETS OUT  PACKETS IN",
                        "10.244.117.0/24  192.168.100.101  12.34 ms  100 %  1450    123456789   987654321",
                        "10.244.9.0/24    192.168.100.2           -      -     -            -           -",
                        "  cannot be used: it carries udp")
                .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(80));
    }

    @Test
    void wideShowsEverything() throws IOException {
        assertThat(shown("--wide").get(0))
                .containsPattern("BACKEND +RTT +LOSS +MTU +OFFLOAD +PACKETS OUT +BYTES OUT +PACKETS IN +BYTES IN$");
        assertThat(shown("--wide").get(1)).contains("vxlan", "uncut", "123456789012", "987654321098");
    }
}
