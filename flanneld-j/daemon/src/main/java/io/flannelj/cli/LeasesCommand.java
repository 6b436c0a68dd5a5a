package io.flannelj.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.config.ConfigException;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetManager;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.PerFamily;
import io.flannelj.net.PlainText;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code flanneld-j leases}: who has which subnets, and subnets kept for good. Asks the store itself; no daemon is needed. */
@Command(
        name = "leases",
        header = "Shows the leases in the store; reserves and releases subnets.",
        description = {
            "A reservation is a lease without end: its subnet is kept for the node with that public address, whether it"
                    + " runs or not. The store is named as for the daemon, by flags or by environment.",
            ""
        },
        footer = "Exit status: 0 done, 1 refused, 2 wrong options, 3 the store does not answer.")
final class LeasesCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int REFUSED = 1;
    private static final int UNREACHABLE = 3;

    private final Map<String, String> environment;
    private final PrintWriter out;
    private final PrintWriter err;
    private final StoreOpener stores;

    @Mixin
    private StoreFlags store = new StoreFlags();

    @Mixin
    private OutputFlag output = new OutputFlag();

    @Mixin
    HelpFlag help = new HelpFlag();

    private LeasesCommand(Map<String, String> environment, PrintWriter out, PrintWriter err, StoreOpener stores) {
        this.environment = environment;
        this.out = out;
        this.err = err;
        this.stores = stores;
    }

    static picocli.CommandLine create(
            Map<String, String> environment, PrintWriter out, PrintWriter err, StoreOpener stores) {
        return new picocli.CommandLine(new LeasesCommand(environment, out, err, stores));
    }

    /** One thing to do with the register. */
    private interface Deed {
        int run(LeaseRegister register) throws IOException, ConfigException, RefusedException;
    }

    private int with(StoreFlags where, Deed deed) {
        try (SubnetManager opened = where.open(environment, stores)) {
            return deed.run(new LeaseRegister(opened));
        } catch (ConfigException e) {
            err.println(e.getMessage());
            return CommandLine.USAGE;
        } catch (RefusedException e) {
            err.println("leases: " + e.getMessage());
            return REFUSED;
        } catch (IOException e) {
            err.println("leases: " + e.getMessage());
            return UNREACHABLE;
        } finally {
            out.flush();
            err.flush();
        }
    }

    @Override
    public Integer call() {
        return list(store);
    }

    @Command(name = "list", description = "Shows all leases, and how many subnets are free.")
    int list(@Mixin StoreFlags where) {
        return with(where, register -> {
            LeaseRegister.Contents contents = register.read();
            if (!output.isJson()) {
                show(contents);
            } else {
                OutputFlag.print(out, json(contents));
            }
            return 0;
        });
    }

    @Command(
            name = "reserve",
            description = "Keeps subnets for the node with a public address. A lease that it has there becomes the"
                    + " reservation.")
    int reserve(
            @Mixin StoreFlags where,
            @Parameters(paramLabel = "SUBNET", description = "e.g. 10.5.7.0/24, or both families with a comma between")
                    String subnets,
            @Option(names = "--public-ip", paramLabel = "IP", description = "IPv4 address of the node") @Nullable
                    String publicIp,
            @Option(names = "--public-ipv6", paramLabel = "IP", description = "IPv6 address of the node") @Nullable
                    String publicIpv6) {
        return with(where, register -> {
            StoredLease reserved = register.reserve(parse(subnets), addresses(publicIp, publicIpv6));
            say(reserved, "reserved " + reserved.subnets() + " for " + addresses(reserved));
            return 0;
        });
    }

    @Command(
            name = "release",
            description =
                    "Deletes a lease or a reservation. A node that runs with it claims it again, with a time to live.")
    int release(
            @Mixin StoreFlags where,
            @Parameters(paramLabel = "SUBNET", description = "as the list shows it") String subnets) {
        return with(where, register -> {
            StoredLease released = register.release(parse(subnets));
            say(released, "released " + released.subnets() + " of " + addresses(released));
            return 0;
        });
    }

    private static PodSubnets parse(String text) throws RefusedException {
        try {
            return PodSubnets.of(Arrays.stream(text.split(",", -1))
                    .map(part -> Cidr.parse(part.strip()))
                    .toList());
        } catch (IllegalArgumentException e) {
            throw new RefusedException("SUBNET: " + e.getMessage() + "; write it as 10.5.7.0/24");
        }
    }

    private static PerFamily<IpAddress> addresses(@Nullable String... texts) throws RefusedException {
        try {
            return PerFamily.by(
                    IpAddress::family,
                    Arrays.stream(texts)
                            .flatMap(Stream::ofNullable)
                            .map(IpAddress::parse)
                            .toList());
        } catch (IllegalArgumentException e) {
            throw new RefusedException("--public-ip: " + e.getMessage());
        }
    }

    private void say(StoredLease lease, String text) {
        if (output.isJson()) {
            OutputFlag.print(out, json(lease, null));
        } else {
            out.println(text);
        }
    }

    private void show(LeaseRegister.Contents contents) {
        String format = "%-20s %-24s %-10s %s%n";
        out.printf(format, "SUBNET", "NODE", "BACKEND", "ENDS IN");
        for (LeaseRegister.Entry entry : contents.entries()) {
            out.printf(format, entry.lease().subnets(), addresses(entry.lease()), backend(entry.lease()), left(entry));
            if (entry.problem() != null) {
                out.printf("  no node obeys it: %s%n", entry.problem());
            }
        }
        contents.unreadable()
                .forEach(refusal -> out.printf("%s%n  is no lease: %s%n", refusal.key(), refusal.problem()));
        out.println(summary(contents));
    }

    private static String summary(LeaseRegister.Contents contents) {
        int unreadable = contents.unreadable().size();
        long refused = contents.refused() - unreadable;
        StringBuilder summary = new StringBuilder(count(contents.entries().size(), "lease"));
        if (refused > 0) {
            summary.append(", of which no node obeys ").append(refused);
        }
        if (unreadable > 0) {
            summary.append("; ").append(count(unreadable, "key")).append(" of no lease");
        }
        if (contents.judged() == LeaseRegister.Judged.NOT_AT_ALL) {
            summary.append("; not checked, because no network config can be read: flanneld-j status says why");
        }
        if (contents.usage() != null) {
            summary.append("; ")
                    .append(contents.usage().free())
                    .append(" of ")
                    .append(contents.usage().size())
                    .append(" subnets are free");
        }
        return summary.toString();
    }

    private static String count(int number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }

    private static String left(LeaseRegister.Entry entry) {
        Duration left = entry.left();
        if (entry.lease().isReservation()) {
            return "never: reserved";
        }
        return left == null
                ? "?"
                : "%dh%02dm%02ds".formatted(left.toHours(), left.toMinutesPart(), left.toSecondsPart());
    }

    /** flannel writes no type for udp. */
    private static String backend(StoredLease lease) {
        String type = lease.lease().attributes().backendType();
        return type.isEmpty() ? "-" : PlainText.escape(type);
    }

    private static String addresses(StoredLease lease) {
        PerFamily<IpAddress> addresses = lease.lease().attributes().publicIps();
        return addresses.isEmpty() ? "-" : addresses.toString();
    }

    private static JsonNode json(LeaseRegister.Contents contents) {
        ObjectNode all = JSON.createObjectNode();
        all.putArray("leases");
        contents.entries().forEach(entry -> all.withArray("leases").add(json(entry)));
        all.putArray("unreadable");
        contents.unreadable()
                .forEach(refusal -> all.withArray("unreadable")
                        .addObject()
                        .put("key", refusal.key())
                        .put("problem", refusal.problem()));
        all.put("refused", contents.refused());
        all.put("checked", contents.judged() == LeaseRegister.Judged.BY_NETWORK_CONFIG);
        if (contents.usage() != null) {
            all.putObject("pool")
                    .put("size", contents.usage().size())
                    .put("free", contents.usage().free());
        }
        return all;
    }

    private static JsonNode json(LeaseRegister.Entry entry) {
        ObjectNode node = json(entry.lease(), entry.left());
        return entry.problem() == null ? node : node.put("problem", entry.problem());
    }

    private static ObjectNode json(StoredLease lease, @Nullable Duration left) {
        ObjectNode node = JSON.createObjectNode()
                .put("subnet", lease.subnets().toString())
                .put("publicIp", addresses(lease))
                .put("backend", lease.lease().attributes().backendType())
                .put("reservation", lease.isReservation());
        if (left != null) {
            node.put("secondsLeft", left.toSeconds());
        }
        return node;
    }
}
