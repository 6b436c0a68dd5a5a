package io.flannelj.explain.filter;

import io.flannelj.linux.ProcNet;
import io.flannelj.linux.Program;
import io.flannelj.net.IpFamily;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** All rules of this network namespace that packets of one family meet, whoever made them, at one moment. */
public final class FilterRules {
    private final List<Table> tables;
    private final String problem;

    FilterRules(List<Table> tables, String problem) {
        this.tables = List.copyOf(tables);
        this.problem = problem;
    }

    /** Lists them: nftables, and iptables in both its forms. Changes nothing, and loads no module. */
    public static FilterRules read(IpFamily family, ReversePath routes) {
        List<Table> tables = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        String iptables = family == IpFamily.IPV6 ? "ip6tables" : "iptables";
        boolean nftIptables = Program.exists(iptables + "-nft-save");
        if (nftIptables) {
            add(
                    tables,
                    problems,
                    () -> new IptablesReader(iptables + "-nft", routes).read(output(iptables + "-nft-save")));
        }
        if (hasLegacyTables(family)) {
            if (Program.exists(iptables + "-legacy-save")) {
                add(
                        tables,
                        problems,
                        () -> new IptablesReader(iptables + "-legacy", routes).read(output(iptables + "-legacy-save")));
            } else if (!nftIptables && Program.exists(iptables + "-save")) {
                add(tables, problems, () -> new IptablesReader(iptables, routes).read(output(iptables + "-save")));
            } else {
                problems.add("the kernel has tables of iptables-legacy, which is not installed here");
            }
        }
        if (Program.exists("nft")) {
            add(
                    tables,
                    problems,
                    () -> new NftReader(family, routes).read(output("nft", "--json", "list", "ruleset"), !nftIptables));
        } else if (!nftIptables) {
            problems.add("neither nft nor iptables-nft is installed here");
        }
        return new FilterRules(tables, String.join("; ", problems));
    }

    private interface Listing {
        List<Table> list() throws IOException;
    }

    private static void add(List<Table> tables, List<String> problems, Listing listing) {
        try {
            tables.addAll(listing.list());
        } catch (IOException | IllegalArgumentException e) {
            problems.add(String.valueOf(e.getMessage()));
        }
    }

    /** An iptables-legacy that looks for its tables would make them. */
    private static boolean hasLegacyTables(IpFamily family) {
        return !ProcNet.read(family == IpFamily.IPV6 ? "ip6_tables_names" : "ip_tables_names")
                .isBlank();
    }

    private static String output(String... command) throws IOException {
        return Program.require("", command);
    }

    /** What drops a packet, surely or else possibly; empty when nothing does. */
    public Optional<Drop> drop(Passage passage) {
        List<Drop> drops =
                tables.stream().flatMap(table -> table.drop(passage).stream()).toList();
        return drops.stream()
                .filter(Drop::isSure)
                .findFirst()
                .or(() -> drops.stream().findFirst());
    }

    /** What of the rules could not be read; empty when all could. */
    public String problem() {
        return problem;
    }
}
