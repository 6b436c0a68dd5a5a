package io.flannelj.explain.filter;

import io.flannelj.linux.Background;
import io.flannelj.linux.ProcNet;
import io.flannelj.linux.Program;
import io.flannelj.net.IpFamily;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/** All rules of this network namespace that packets of one family meet, whoever made them, at one moment. */
public final class FilterRules {
    private final List<Table> tables;
    private final String problem;

    FilterRules(List<Table> tables, String problem) {
        this.tables = List.copyOf(tables);
        this.problem = problem;
    }

    /** Lists them: nftables, and iptables in both its forms, at once. Changes nothing, and loads no module. */
    public static FilterRules read(IpFamily family, ReversePath routes) {
        List<CompletableFuture<FilterRules>> parts = new ArrayList<>();
        String iptables = family == IpFamily.IPV6 ? "ip6tables" : "iptables";
        boolean nftIptables = Program.exists(iptables + "-nft-save");
        if (nftIptables) {
            parts.add(begin(() -> new IptablesReader(iptables + "-nft", routes).read(output(iptables + "-nft-save"))));
        }
        if (hasLegacyTables(family)) {
            if (Program.exists(iptables + "-legacy-save")) {
                parts.add(begin(() ->
                        new IptablesReader(iptables + "-legacy", routes).read(output(iptables + "-legacy-save"))));
            } else if (!nftIptables && Program.exists(iptables + "-save")) {
                parts.add(begin(() -> new IptablesReader(iptables, routes).read(output(iptables + "-save"))));
            } else {
                parts.add(unread("the kernel has tables of iptables-legacy, which is not installed here"));
            }
        }
        if (Program.exists("nft")) {
            parts.add(begin(() ->
                    new NftReader(family, routes).read(output("nft", "--json", "list", "ruleset"), !nftIptables)));
        } else if (!nftIptables) {
            parts.add(unread("neither nft nor iptables-nft is installed here"));
        }
        List<FilterRules> read = parts.stream().map(CompletableFuture::join).toList();
        return new FilterRules(
                read.stream().flatMap(part -> part.tables.stream()).toList(),
                read.stream()
                        .map(FilterRules::problem)
                        .filter(problem -> !problem.isEmpty())
                        .collect(Collectors.joining("; ")));
    }

    private interface Listing {
        List<Table> list() throws IOException;
    }

    private static CompletableFuture<FilterRules> begin(Listing listing) {
        return Background.begin("rules", () -> {
            try {
                return new FilterRules(listing.list(), "");
            } catch (IOException | IllegalArgumentException e) {
                return new FilterRules(List.of(), String.valueOf(e.getMessage()));
            }
        });
    }

    private static CompletableFuture<FilterRules> unread(String problem) {
        return CompletableFuture.completedFuture(new FilterRules(List.of(), problem));
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
