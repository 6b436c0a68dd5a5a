package io.flannelj.doctor;

import io.flannelj.linux.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Everything about this host that an issue needs, in one archive, without secrets. */
public final class Report {
    private static final int MOST_CHARACTERS = 4 << 20;

    /** What programs say, where they are installed. All of them only read. */
    private static final Map<String, List<String>> PROGRAMS = Map.ofEntries(
            Map.entry("uname.txt", List.of("uname", "-a")),
            Map.entry("links.txt", List.of("ip", "-details", "-statistics", "link")),
            Map.entry("addresses.txt", List.of("ip", "address")),
            Map.entry("routes.txt", List.of("ip", "route", "show", "table", "all")),
            Map.entry("routes-ipv6.txt", List.of("ip", "-6", "route", "show", "table", "all")),
            Map.entry("rules-of-routing.txt", List.of("ip", "rule")),
            Map.entry("neighbours.txt", List.of("ip", "neighbour")),
            Map.entry("bridge-fdb.txt", List.of("bridge", "fdb")),
            Map.entry("nft.txt", List.of("nft", "list", "ruleset")),
            Map.entry("iptables.txt", List.of("iptables-nft-save", "-c")),
            Map.entry("ip6tables.txt", List.of("ip6tables-nft-save", "-c")),
            Map.entry("sockets.txt", List.of("ss", "-lunp")),
            Map.entry(
                    "log.txt",
                    List.of(
                            "journalctl",
                            "--unit",
                            "flanneld-j",
                            "--lines",
                            "500",
                            "--no-pager",
                            "--output",
                            "short-iso")));

    private static final List<String> SYSCTLS = List.of(
            "net/ipv4/ip_forward",
            "net/ipv4/conf/all/rp_filter",
            "net/ipv4/conf/default/rp_filter",
            "net/ipv6/conf/all/forwarding",
            "net/bridge/bridge-nf-call-iptables",
            "net/core/rmem_max",
            "net/core/wmem_max",
            "kernel/osrelease");

    private final Map<String, String> files = new LinkedHashMap<>();

    /** Adds a text; secrets in it are left out. */
    public Report with(String name, String text) {
        String whole = text.length() <= MOST_CHARACTERS ? text : text.substring(text.length() - MOST_CHARACTERS);
        files.put(name, Secrets.leaveOut(whole));
        return this;
    }

    /** Adds what this host says of itself. */
    public Report withHost(Path subnetFile) {
        PROGRAMS.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(program -> with(program.getKey(), output(program.getValue())));
        StringBuilder sysctls = new StringBuilder();
        for (String key : SYSCTLS) {
            sysctls.append(key)
                    .append(' ')
                    .append(read(Path.of("/proc/sys", key)))
                    .append('\n');
        }
        return with("sysctls.txt", sysctls.toString()).with("subnet.env", read(subnetFile));
    }

    /** Adds what the daemon wrote down of leases and of itself. */
    public Report withEvents(Path stateDirectory) {
        for (String name : List.of("events.former.jsonl", "events.jsonl")) {
            if (Files.exists(stateDirectory.resolve(name))) {
                with(name, read(stateDirectory.resolve(name)));
            }
        }
        return this;
    }

    private static String output(List<String> command) {
        if (!Program.exists(command.get(0))) {
            return command.get(0) + " is not installed here\n";
        }
        try {
            Program.Output output = Program.run("", command.toArray(String[]::new));
            return output.text() + output.errors();
        } catch (IOException e) {
            return e.getMessage() + "\n";
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).stripTrailing();
        } catch (IOException e) {
            return "cannot be read: " + e.getMessage();
        }
    }

    /**
     * Writes the archive.
     *
     * @param id what people quote; also the name of the directory in it
     */
    public void write(Path archive, String id, Instant time) throws IOException {
        TarFile.write(archive, id, files, time);
    }
}
