package io.flannelj.doctor;

import io.flannelj.cleanup.Leftovers;
import io.flannelj.cleanup.RunningDaemons;
import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import io.flannelj.explain.DaemonFacts;
import io.flannelj.firewall.ForwardingCheck;
import io.flannelj.lease.SubnetManager;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.SubnetEnv;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What the daemon needs of the store, and what of others on this host works against the network that the store tells of. */
final class ClusterDoctor {
    private final List<Diagnosis> found = new ArrayList<>();
    private final @Nullable DaemonFacts daemon;

    private final Path subnetFile;
    private final String silent;

    private ClusterDoctor(@Nullable DaemonFacts daemon, Path subnetFile) {
        this.daemon = daemon;
        this.subnetFile = subnetFile;
        this.silent = daemon == null ? silent() : "";
    }

    /** A daemon of ours that runs here and does not answer; empty if there is none. */
    private static String silent() {
        try {
            return RunningDaemons.find().stream()
                    .filter(line -> line.startsWith("flanneld-j,"))
                    .findFirst()
                    .orElse("");
        } catch (IOException e) {
            return "";
        }
    }

    /** How the store is opened. */
    interface Opener {
        SubnetManager open() throws IOException, ConfigException;
    }

    static List<Diagnosis> look(@Nullable DaemonFacts daemon, Path subnetFile, Opener opener) {
        ClusterDoctor doctor = new ClusterDoctor(daemon, subnetFile);
        doctor.daemon();
        NetworkConfig config = doctor.store(opener);
        if (config != null) {
            doctor.host(config);
        }
        return doctor.found;
    }

    private void daemon() {
        DaemonFacts known = daemon;
        if (!silent.isEmpty()) {
            found.add(Diagnosis.broken(
                    "daemon",
                    silent + ", runs here, and does not answer at the socket of this command",
                    "give its --instance or --control-socket to this command too; if they are right, restart it"));
        } else if (known == null && !lastSubnets().isEmpty()) {
            found.add(Diagnosis.broken(
                    "daemon",
                    "none runs here, and " + subnetFile + " tells that one did",
                    "systemctl start flanneld-j"));
        } else if (known == null) {
            found.add(Diagnosis.unknown("daemon", "none answers; before the first start that is as it should be"));
        } else if (!known.waitingFor().isEmpty()) {
            found.add(Diagnosis.broken("daemon", "not ready: " + known.waitingFor(), "see flanneld-j status"));
        } else if (known.fenced()) {
            found.add(Diagnosis.broken(
                    "daemon",
                    "its lease has ended, nothing is sent from it",
                    "let the store answer; it goes on by itself"));
        } else {
            found.add(Diagnosis.ok(
                    "daemon",
                    known.version() + ", " + known.backend() + ", lease " + String.join(", ", known.subnets()) + ", "
                            + (known.peers().size() == 1
                                    ? "1 peer"
                                    : known.peers().size() + " peers")));
        }
        for (DaemonFacts.Peer peer : known == null ? List.<DaemonFacts.Peer>of() : known.peers()) {
            String problem = peer.problem();
            if (problem != null) {
                found.add(Diagnosis.brokenBy(
                        "peer",
                        (peer.subnets().isEmpty() ? peer.key() : String.join(", ", peer.subnets())) + ": " + problem));
            }
        }
    }

    private @Nullable NetworkConfig store(Opener opener) {
        try (SubnetManager store = opener.open()) {
            Optional<String> document = store.fetchNetworkConfig();
            if (document.isEmpty()) {
                found.add(Diagnosis.broken(
                        "network config", "there is none at " + store.configLocation(), store.configRemedy()));
                return null;
            }
            int leases = store.list().leases().size();
            found.add(Diagnosis.ok("store", store.location() + " answers, " + leases + " leases"));
            NetworkConfig config = NetworkConfig.parse(document.get());
            found.add(Diagnosis.ok(
                    "network config",
                    config.networks().values().stream().map(Cidr::toString).collect(Collectors.joining(", ")) + ", "
                            + config.backend().type()));
            return config;
        } catch (IOException e) {
            found.add(Diagnosis.broken(
                    "store",
                    String.valueOf(e.getMessage()),
                    "check --etcd-endpoints, or the service account's rights"));
        } catch (ConfigException e) {
            found.add(Diagnosis.broken("network config", e.oneLine(), "correct what it names"));
        }
        return null;
    }

    private void host(NetworkConfig config) {
        try {
            List<String> obstacles = ForwardingCheck.obstacles(config.networks(), config.enableNftables());
            obstacles.forEach(line -> found.add(Diagnosis.brokenBy("foreign rules", line)));
            if (obstacles.isEmpty()) {
                found.add(Diagnosis.ok("foreign rules", "no table drops what is forwarded to pods"));
            }
        } catch (IOException e) {
            found.add(Diagnosis.unknown("foreign rules", String.valueOf(e.getMessage())));
        }
        if (!silent.isEmpty()) {
            found.add(Diagnosis.unknown("leftovers", "what is the daemon's own is not known without its answer"));
            return;
        }
        DaemonFacts known = daemon;
        Collection<Cidr> own = known == null ? lastSubnets() : cidrs(known.subnets());
        List<String> devices = known == null ? List.of() : known.devices();
        Set<IpAddress> nodes = known == null
                ? Set.of()
                : Stream.concat(Stream.of(known.node()), known.peers().stream().map(DaemonFacts.Peer::address))
                        .filter(address -> !address.isEmpty())
                        .map(IpAddress::parse)
                        .collect(Collectors.toSet());
        try {
            List<String> left = Leftovers.find(config, own, devices, nodes);
            left.forEach(line -> found.add(Diagnosis.brokenBy("leftovers", line)));
            if (left.isEmpty()) {
                found.add(Diagnosis.ok("leftovers", "no foreign device or route takes pod traffic"));
            }
        } catch (IOException e) {
            found.add(Diagnosis.unknown("leftovers", String.valueOf(e.getMessage())));
        }
    }

    /** Of the daemon's last run: the pods and their bridge stay when it stops. */
    private Collection<Cidr> lastSubnets() {
        return SubnetEnv.readIfUsable(subnetFile)
                .<Collection<Cidr>>map(run -> run.subnets().values())
                .orElse(List.of());
    }

    private static List<Cidr> cidrs(List<String> texts) {
        return texts.stream().flatMap(text -> Cidr.tryParse(text).stream()).toList();
    }
}
