package io.flannelj.lab;

import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;

/** A namespace's links, addresses, routes and firewall rules, as text that can be compared. */
final class HostSnapshot {
    /** Whether a bridge without ports has lost its carrier yet is a matter of seconds. */
    private static final String CARRIER = "NO-CARRIER,|,LOWER_UP|(?<=noqueue) state \\S+| linkdown";

    /** The kernel draws the MAC address of the device for large packets, which nothing depends on. */
    private static final String RANDOM_MAC = "^(flannel\\S*-gso\\d+: .* link/ether) \\S+";

    /** The kernel has these while IPv6 is forwarded, which stays on when a daemon has stopped. */
    private static final String OF_A_ROUTER = "anycast ";

    private HostSnapshot() {}

    static String of(String namespace) {
        // The kernel needs a while for IPv6 addresses of new links, and would show them half done.
        Wait.until(
                "no tentative addresses in " + namespace,
                Duration.ofSeconds(10),
                () -> !Commands.inNamespace(namespace, "ip", "-6", "addr")
                        .output()
                        .contains("tentative"));
        return section(namespace, "ip", "-o", "link")
                + section(namespace, "ip", "-o", "addr")
                + section(namespace, "ip", "route", "show", "table", "all")
                + section(namespace, "ip", "-6", "route")
                + section(namespace, "ip", "rule")
                + section(namespace, "iptables-save")
                + section(namespace, "nft", "list", "ruleset");
    }

    private static String section(String namespace, String... command) {
        List<String> lines = Commands.inNamespace(namespace, command)
                .output()
                .lines()
                .filter(line -> !line.startsWith("#")) // iptables-save stamps the time
                .map(line -> line.replaceAll("\\[\\d+:\\d+]", "[counters]"))
                .map(line -> line.replaceAll("counter packets \\d+ bytes \\d+", "counter"))
                .map(line -> line.replaceAll("^\\d+: ", "")) // indices count on
                .map(line -> line.replaceAll(CARRIER, ""))
                .map(line -> line.replaceAll(RANDOM_MAC, "$1"))
                .map(line -> line.replaceAll("@if\\d+", "@if"))
                .map(line -> line.replaceAll("(valid_lft|preferred_lft) \\S+", ""))
                .filter(line -> !line.isBlank() && !line.startsWith(OF_A_ROUTER))
                .toList();
        return lines.stream().collect(Collectors.joining("\n", "== " + String.join(" ", command) + "\n", "\n"));
    }
}
