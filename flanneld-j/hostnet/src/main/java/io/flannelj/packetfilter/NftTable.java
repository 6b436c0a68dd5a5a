package io.flannelj.packetfilter;

import io.flannelj.linux.Program;
import io.flannelj.net.IpFamily;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One table of nftables in the calling thread's network namespace. Its owner writes it whole in one transaction, or rule by
 * rule with a comment by which rules are found again.
 */
public final class NftTable {
    private static final Pattern CHAIN = Pattern.compile("\\s*chain (\\S+) \\{.*");
    private static final Pattern HANDLE = Pattern.compile(".*# handle (\\d+)");
    private static final Pattern COUNTER = Pattern.compile("counter packets (\\d+) bytes \\d+");

    private final String family;
    private final String name;
    private String written = "";
    private String listing = "";
    private String seen = "";

    /**
     * @param family {@code ip}, {@code ip6}, {@code inet} or {@code bridge}
     */
    public NftTable(String family, String name) {
        this.family = family;
        this.name = name;
    }

    /** How nft names a family. */
    public static String family(IpFamily family) {
        return family == IpFamily.IPV4 ? "ip" : "ip6";
    }

    @Override
    public String toString() {
        return family + " " + name;
    }

    /** As nft lists it; empty when it is not there. */
    public String list() throws IOException {
        return list("nft", "list", "table", family, name);
    }

    private static String list(String... command) throws IOException {
        Program.Output output = Program.run("", command);
        return output.succeeded() ? output.text() : "";
    }

    /**
     * Looks what it takes to have a table.
     *
     * @param body what stands between the table's braces
     * @return {@link Change#NONE} when the table is what this object wrote last, and that is wanted
     */
    public Change compare(String body) throws IOException {
        seen = list();
        if (!written.isEmpty() && !withoutCounts(seen).equals(listing)) {
            return Change.REPAIR;
        }
        return body.equals(written) ? Change.NONE : Change.WANTED;
    }

    /**
     * Replaces the table in one transaction.
     *
     * @param body what stands between the table's braces
     * @throws IOException with what nft said
     */
    public void replace(String body) throws IOException {
        run(replacement(body));
        written = body;
        listing = withoutCounts(list());
    }

    /** Whether nft and this kernel would take such a table; changes nothing. */
    public boolean accepts(String body) throws IOException {
        return Program.run(replacement(body), "nft", "--check", "-f", "-").succeeded();
    }

    /** "add" first: deleting what is not there would be an error. */
    private String replacement(String body) {
        return removal() + "table " + this + " {\n" + body + "}\n";
    }

    private String removal() {
        return "add table " + this + "\ndelete table " + this + "\n";
    }

    /** Takes the table away. Harmless when it is not there. */
    public void remove() throws IOException {
        run(removal());
        written = "";
    }

    /** Packets that the counters of the rules with a comment had met when {@link #compare} looked. */
    public long packets(String comment) {
        long sum = 0;
        for (String line : seen.lines().toList()) {
            Matcher counter = COUNTER.matcher(line);
            if (line.contains(commented(comment)) && counter.find()) {
                sum += Long.parseLong(counter.group(1));
            }
        }
        return sum;
    }

    /** Commands that delete the rules with a comment, one each. */
    public List<String> deletions(String comment) throws IOException {
        List<String> commands = new ArrayList<>();
        String chain = "";
        for (String line :
                list("nft", "-a", "list", "table", family, name).lines().toList()) {
            Matcher begin = CHAIN.matcher(line);
            Matcher handle = HANDLE.matcher(line);
            if (begin.matches()) {
                chain = begin.group(1);
            } else if (line.contains(commented(comment)) && handle.matches()) {
                commands.add("delete rule " + this + " " + chain + " handle " + handle.group(1));
            }
        }
        return commands;
    }

    private static String commented(String comment) {
        return "comment \"" + comment + "\"";
    }

    private static String withoutCounts(String listing) {
        return COUNTER.matcher(listing).replaceAll("counter");
    }

    /**
     * Carries out commands in one transaction.
     *
     * @throws IOException with what nft said
     */
    public static void run(String script) throws IOException {
        Program.require(script, "nft", "-f", "-");
    }
}
