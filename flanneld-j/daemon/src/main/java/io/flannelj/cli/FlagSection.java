package io.flannelj.cli;

import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The sections of the daemon's flags, in help and manual, in the order of both. Each flag is in one of them. */
enum FlagSection {
    COMMON(
            "Common",
            "--etcd-endpoints",
            "--kube-subnet-mgr",
            "--iface",
            "--public-ip",
            "--ip-masq",
            "--vxlan-datapath",
            "--healthz-port",
            "--v",
            "--help"),
    ETCD(
            "etcd",
            "--etcd-prefix",
            "--etcd-cafile",
            "--etcd-certfile",
            "--etcd-keyfile",
            "--etcd-username",
            "--etcd-password",
            "--allow-extension-commands"),
    KUBERNETES(
            "Kubernetes",
            "--net-config-path",
            "--kubeconfig-file",
            "--kube-api-url",
            "--kube-annotation-prefix",
            "--set-node-network-unavailable"),
    UPLINK("Interface to the other nodes", "--iface-regex", "--iface-can-reach", "--public-ipv6"),
    LEASE("Lease", "--subnet-lease-ttl", "--subnet-lease-renew-margin", "--subnet-lease-release"),
    FIREWALL(
            "Firewall and routes",
            "--ip-masq-fully-random-disable",
            "--iptables-forward-rules",
            "--iptables-resync",
            "--ip-blackhole-route",
            "--compat-nft"),
    DATAPATH(
            "Data path in user space",
            "--workers",
            "--pin-workers",
            "--busy-poll-us",
            "--peer-probes",
            "--clamp-mss",
            "--thin-acks",
            "--udp-segmentation",
            "--udp-checksums",
            "--tunnel-segmentation",
            "--tun-device"),
    CNI("CNI", "--cni-warmup-ms"),
    HTTP(
            "Health, metrics, explain",
            "--healthz-ip",
            "--metrics-ip",
            "--metrics-port",
            "--metrics-peers",
            "--explain-port"),
    HANDOVER("Stop and restart", "--keep-on-stop", "--await-predecessor"),
    FILES("Files, and several daemons on one host", "--subnet-file", "--state-dir", "--control-socket", "--instance"),
    OTHER("Other", "--version", "--log_backtrace_at");

    /** Fewer of the daemon's flags than this are no help in sections. */
    private static final int WORTH_SECTIONS = 8;

    private final String title;

    @SuppressWarnings("ImmutableEnumChecker") // List.of
    private final List<String> flags;

    FlagSection(String title, String... flags) {
        this.title = title;
        this.flags = List.of(flags);
    }

    List<String> flags() {
        return flags;
    }

    /**
     * What a command offers, by titles of sections. Flags of its own, which the daemon does not have, come first. A command
     * with few of the daemon's flags has one section. A section is never empty.
     */
    static Map<String, List<OptionSpec>> of(CommandSpec command) {
        List<OptionSpec> shown = command.options().stream()
                .filter(option -> !option.hidden())
                .sorted(Comparator.comparingInt(OptionSpec::order))
                .toList();
        List<OptionSpec> own = shown.stream().filter(FlagSection::isOwn).toList();
        Map<String, List<OptionSpec>> sections = new LinkedHashMap<>();
        if (shown.size() - own.size() < WORTH_SECTIONS) {
            sections.put("Options", shown);
        } else {
            sections.put("Options", own);
            for (FlagSection section : values()) {
                sections.put(section.title, section.among(command));
            }
        }
        sections.values().removeIf(List::isEmpty);
        return sections;
    }

    private static boolean isOwn(OptionSpec option) {
        return Arrays.stream(values()).noneMatch(section -> section.flags.contains(option.longestName()));
    }

    private List<OptionSpec> among(CommandSpec command) {
        return flags.stream()
                .map(command::findOption)
                .filter(Objects::nonNull)
                .filter(option -> !option.hidden())
                .toList();
    }
}
