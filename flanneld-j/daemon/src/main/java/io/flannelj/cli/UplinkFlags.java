package io.flannelj.cli;

import io.flannelj.config.Problems;
import io.flannelj.config.UplinkOptions;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Which interface leads to the other nodes, under flannel's names. */
final class UplinkFlags {
    @Option(
            names = "--iface",
            paramLabel = "NAME|IP",
            description = "interface to the other nodes; may be given several times, the first match is used")
    private List<String> interfaces = new ArrayList<>();

    @Option(
            names = "--iface-regex",
            paramLabel = "REGEX",
            description = "like --iface, by a regular expression for addresses or names")
    private List<String> interfacePatterns = new ArrayList<>();

    @Option(names = "--iface-can-reach", paramLabel = "IP", description = "use the interface that reaches this address")
    private String canReach = "";

    @Option(names = "--public-ip", paramLabel = "IP", description = "the address that other nodes send to")
    private String publicIp = "";

    @Option(names = "--public-ipv6", paramLabel = "IP", description = "the same for IPv6")
    private String publicIpv6 = "";

    UplinkOptions options(Problems problems) {
        return UplinkOptions.of(interfaces, interfacePatterns, canReach, publicIp, publicIpv6, problems);
    }
}
