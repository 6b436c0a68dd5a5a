package io.flannelj.doctor;

import io.flannelj.cleanup.RunningDaemons;
import io.flannelj.explain.DaemonFacts;
import io.flannelj.linux.Errno;
import io.flannelj.linux.Fd;
import io.flannelj.linux.Privileges;
import io.flannelj.linux.Program;
import io.flannelj.linux.SyscallException;
import io.flannelj.linux.Sysctl;
import io.flannelj.net.IpFamily;
import io.flannelj.netlink.Forwarding;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the daemon needs of the kernel and of programs, whether it runs or not. */
final class HostDoctor {
    private static final Path TUN = Path.of("/dev/net/tun");
    private static final String BRIDGE_FILTER = "net.bridge.bridge-nf-call-iptables";

    private final @Nullable DaemonFacts daemon;
    private final List<Diagnosis> found = new ArrayList<>();

    private HostDoctor(@Nullable DaemonFacts daemon) {
        this.daemon = daemon;
    }

    /**
     * Looks at the host.
     *
     * @param daemon null when none answers
     */
    static List<Diagnosis> look(@Nullable DaemonFacts daemon) {
        HostDoctor doctor = new HostDoctor(daemon);
        doctor.privileges();
        doctor.kernel();
        doctor.tun();
        doctor.packetFilter();
        doctor.forwarding();
        doctor.mtu();
        doctor.others();
        return doctor.found;
    }

    private void privileges() {
        found.add(
                Privileges.has(Privileges.Capability.NET_ADMIN)
                        ? Diagnosis.ok("privileges", "CAP_NET_ADMIN")
                        : Diagnosis.broken(
                                "privileges",
                                "this process lacks CAP_NET_ADMIN, as the daemon would; what follows may say less",
                                "run it as root, or in a container with --cap-add NET_ADMIN"));
    }

    private void kernel() {
        String release = read(Path.of("/proc/sys/kernel/osrelease"));
        Optional<KernelVersion> version = KernelVersion.parse(release);
        if (version.isEmpty()) {
            found.add(Diagnosis.unknown("kernel", "its version cannot be read: " + release));
            return;
        }
        Optional<String> fault = version.get().fault();
        if (fault.isPresent()) {
            found.add(Diagnosis.brokenBy("kernel", fault.get()));
        } else {
            boolean old = version.get().compareTo(KernelVersion.WITH_OFFLOADS) < 0;
            found.add(Diagnosis.ok("kernel", "Linux " + release + (old ? ", without UDP offloads: slower" : "")));
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            return "";
        }
    }

    private void tun() {
        try {
            Fd.openForReading(TUN).close();
            found.add(Diagnosis.ok("tun", TUN + " can be opened"));
        } catch (SyscallException e) {
            found.add(tun(e));
        }
    }

    static Diagnosis tun(SyscallException problem) {
        String evidence = TUN + " cannot be opened: " + Errno.text(problem.errno());
        return switch (problem.errno()) {
            case Errno.EPERM ->
                Diagnosis.broken(
                        "tun",
                        evidence + ": the container's cgroup forbids the device",
                        "allow it: docker run --device " + TUN
                                + ", in Kubernetes securityContext.privileged, or runc 1.2.4 and" + " newer");
            case Errno.EACCES -> Diagnosis.broken("tun", evidence, "run it as root");
            default -> Diagnosis.broken("tun", evidence, "modprobe tun");
        };
    }

    private void packetFilter() {
        boolean nft = Program.exists("nft");
        boolean iptables = Program.exists("iptables");
        if (!nft && !iptables) {
            found.add(Diagnosis.broken(
                    "packet filter", "neither nft nor iptables is installed", "apt-get install nftables iptables"));
        } else {
            found.add(Diagnosis.ok(
                    "packet filter",
                    (iptables ? "iptables" : "no iptables (set EnableNFTables in the network config)")
                            + (nft
                                    ? ", nft"
                                    : "; no nft: sources of packets that the kernel carries are not checked")));
        }
        if (Sysctl.exists(BRIDGE_FILTER)) {
            String value = sysctl(BRIDGE_FILTER);
            found.add(
                    value.equals("1")
                            ? Diagnosis.ok("br_netfilter", BRIDGE_FILTER + " 1")
                            : Diagnosis.broken(
                                    "br_netfilter",
                                    BRIDGE_FILTER + " is " + value
                                            + ": packets between pods of this node bypass iptables,"
                                            + " as those to services",
                                    "sysctl -w " + BRIDGE_FILTER + "=1"));
        } else {
            found.add(Diagnosis.broken(
                    "br_netfilter",
                    BRIDGE_FILTER + " is missing: with iptables the daemon does not start",
                    "modprobe br_netfilter, or \"EnableNFTables\": true in the network config"));
        }
    }

    private static String sysctl(String key) {
        try {
            return Sysctl.read(key);
        } catch (IOException e) {
            return "?";
        }
    }

    private void forwarding() {
        forwarding(Forwarding.setting(IpFamily.IPV4));
        DaemonFacts known = daemon;
        if (known != null && known.networks().stream().anyMatch(network -> network.contains(":"))) {
            forwarding(Forwarding.setting(IpFamily.IPV6));
        }
    }

    private void forwarding(String key) {
        boolean on = sysctl(key).equals("1");
        boolean canSet = Files.isWritable(Path.of("/proc/sys", key.replace('.', '/')));
        if (on) {
            found.add(Diagnosis.ok("forwarding", key + " 1"));
        } else if (canSet && daemon == null) {
            found.add(Diagnosis.ok("forwarding", key + " 0; the daemon turns it on"));
        } else {
            found.add(Diagnosis.broken(
                    "forwarding", key + " is 0: nothing is forwarded to pods", "sysctl -w " + key + "=1"));
        }
    }

    /** Interfaces of pods that believe in more than the tunnel takes. */
    private void mtu() {
        DaemonFacts known = daemon;
        if (known == null || known.mtuBytes() == 0) {
            return;
        }
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            for (Link link : new Links(netlink).list()) {
                boolean isPods = link.name().equals("docker0") || link.name().equals("cni0");
                if (isPods && link.mtuBytes() > known.mtuBytes() && known.isTunnel()) {
                    found.add(Diagnosis.broken(
                            "mtu",
                            link.name() + " has MTU " + link.mtuBytes() + ", the tunnel takes " + known.mtuBytes(),
                            "start the pods of this node again; docker: flanneld-j docker-opts"));
                    return;
                }
            }
            found.add(Diagnosis.ok("mtu", "pods " + known.mtuBytes()));
        } catch (IOException e) {
            found.add(Diagnosis.unknown("mtu", String.valueOf(e.getMessage())));
        }
    }

    private void others() {
        try {
            List<String> running = RunningDaemons.find().stream()
                    .filter(process -> !process.startsWith("flanneld-j"))
                    .toList();
            found.add(
                    running.isEmpty()
                            ? Diagnosis.ok("other daemons", "no flanneld runs here")
                            : Diagnosis.broken(
                                    "other daemons",
                                    String.join("; ", running) + " runs beside: both write the same lease and device",
                                    "systemctl disable --now flanneld"));
        } catch (IOException e) {
            found.add(Diagnosis.unknown("other daemons", String.valueOf(e.getMessage())));
        }
    }
}
