package io.flannelj.packetfilter;

import io.flannelj.linux.Program;
import io.flannelj.net.IpFamily;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * iptables or ip6tables in the calling thread's network namespace. A table is read by one save; changes are written by one
 * restore, which waits for the lock and is all or nothing for each table.
 */
public final class Xtables {
    private static final String WAIT_SECONDS = "10";
    private static final Pattern COUNTED = Pattern.compile("\\[(\\d+):\\d+] (-A .*)");

    private final String program;

    public Xtables(IpFamily family) {
        this.program = family == IpFamily.IPV4 ? "iptables" : "ip6tables";
    }

    /** The program's name, for messages. */
    public String program() {
        return program;
    }

    /** Whether the program is on this host. */
    public boolean isInstalled() {
        return Program.exists(program);
    }

    /**
     * The lines of a table as iptables-save writes them, without counters.
     *
     * @throws IOException when the program or the table is missing; says which
     */
    public List<String> save(String table) throws IOException {
        return Program.require("", program + "-save", "-t", table).lines().toList();
    }

    /** The same, with packet counters; empty where this kernel has no such table. */
    public Optional<Saved> saveIfPresent(String table) throws IOException {
        Program.Output output = Program.run("", program + "-save", "-c", "-t", table);
        return output.succeeded() ? Optional.of(Saved.of(output.text())) : Optional.empty();
    }

    /**
     * A table's lines, and how many packets each rule met.
     *
     * @param lines as iptables-save writes them, without counters
     * @param packets for the line of the same place; 0 where it is no rule
     */
    public record Saved(List<String> lines, List<Long> packets) {
        static Saved of(String text) {
            List<String> lines = new ArrayList<>();
            List<Long> packets = new ArrayList<>();
            text.lines().forEach(line -> {
                Matcher counted = COUNTED.matcher(line);
                boolean isRule = counted.matches();
                lines.add(isRule ? counted.group(2) : line);
                packets.add(isRule ? Long.parseLong(counted.group(1)) : 0);
            });
            return new Saved(List.copyOf(lines), List.copyOf(packets));
        }

        /** Packets that the rules so chosen met, all together. */
        public long packets(Predicate<String> chosen) {
            long sum = 0;
            for (int i = 0; i < lines.size(); i++) {
                sum += chosen.test(lines.get(i)) ? packets.get(i) : 0;
            }
            return sum;
        }
    }

    /**
     * Carries out what iptables-restore takes, and leaves alone what the script does not name.
     *
     * @throws IOException with what the program said
     */
    public void restore(String script) throws IOException {
        Program.require(script, program + "-restore", "--noflush", "--wait", WAIT_SECONDS);
    }

    /** Whether this program and this kernel would take a script; changes nothing. */
    public boolean accepts(String script) throws IOException {
        return Program.run(script, program + "-restore", "--noflush", "--test").succeeded();
    }

    /**
     * The script that takes away chains and rules: first what refers to a chain, then the chain.
     *
     * @param isOurs which lines of the table, chains and rules alike, are to go
     * @return empty when there are none
     */
    public static String removal(String table, List<String> saved, Predicate<String> isOurs) {
        List<String> chains = saved.stream()
                .filter(line -> line.startsWith(":") && isOurs.test(line))
                .map(line -> line.substring(1, line.indexOf(' ')))
                .toList();
        StringBuilder script = new StringBuilder();
        for (String line : saved) {
            if (line.startsWith("-A ") && isOurs.test(line) && !chains.contains(chainOf(line))) {
                deletion(script, line);
            }
        }
        chains.forEach(chain -> script.append("-F ").append(chain).append('\n'));
        chains.forEach(chain -> script.append("-X ").append(chain).append('\n'));
        return script.isEmpty() ? "" : "*" + table + "\n" + script + "COMMIT\n";
    }

    static void deletion(StringBuilder script, String line) {
        script.append("-D").append(line, 2, line.length()).append('\n');
    }

    private static String chainOf(String rule) {
        return rule.split(" ", 3)[1];
    }
}
