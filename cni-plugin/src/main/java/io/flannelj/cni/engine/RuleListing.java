package io.flannelj.cni.engine;

import io.flannelj.packetfilter.NftTable;
import io.flannelj.packetfilter.Xtables;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the packet filters hold at one moment: each table is listed once, however many pods are looked for in it. */
final class RuleListing {
    private final Map<String, List<String>> tables = new HashMap<>();

    /** How many rules of the table name this; 0 where the program or the table is missing. */
    long count(Xtables program, String table, String tag) throws IOException {
        String key = program.program() + " " + table;
        List<String> lines = tables.get(key);
        if (lines == null) {
            lines = program.isInstalled()
                    ? program.saveIfPresent(table).map(Xtables.Saved::lines).orElse(List.of())
                    : List.of();
            tables.put(key, lines);
        }
        return lines.stream()
                .filter(line -> line.startsWith("-A ") && line.contains(tag))
                .count();
    }

    /** How many rules of the table have this comment. */
    long count(NftTable table, String comment) throws IOException {
        List<String> lines = tables.get(table.toString());
        if (lines == null) {
            lines = table.list().lines().toList();
            tables.put(table.toString(), lines);
        }
        return lines.stream()
                .filter(line -> line.contains("comment \"" + comment + "\""))
                .count();
    }
}
