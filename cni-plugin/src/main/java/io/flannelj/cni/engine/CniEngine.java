package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.cni.CniAnswer;
import io.flannelj.cni.Invocation;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.SubnetEnv;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netns.Netns;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Carries out CNI calls (specification 1.1). Blocking, and safe for any number of threads: what must not happen twice at a
 * time is held by a lock, in the process for the bridge, by file for addresses.
 *
 * <p>The calling thread must be in the node's network namespace.
 */
public final class CniEngine {
    private static final Object BRIDGE_LOCK = new Object();

    private final Supplier<String> daemonState;

    /**
     * An engine in the daemon or in the plugin's own process.
     *
     * @param daemonState why the node has no subnet yet, should that turn out so
     */
    public CniEngine(Supplier<String> daemonState) {
        this.daemonState = daemonState;
    }

    /** Carries out one call. Never throws: whatever goes wrong is a CNI error. */
    public CniAnswer handle(Invocation invocation) {
        String version = "1.1.0";
        try {
            String command = invocation.variable("CNI_COMMAND");
            if (command.equals("VERSION")) {
                return new CniAnswer(true, Results.versions());
            }
            NetConf conf = NetConf.parse(invocation.stdin(), invocation.variable("CNI_ARGS"));
            version = conf.cniVersion();
            return new CniAnswer(true, carryOut(command, invocation, conf));
        } catch (CniException e) {
            return new CniAnswer(false, Results.error(version, e.code(), String.valueOf(e.getMessage())));
        } catch (IOException e) {
            return new CniAnswer(false, Results.error(version, CniException.IO, String.valueOf(e.getMessage())));
        } catch (InvalidPathException e) {
            return new CniAnswer(
                    false,
                    Results.error(
                            version, CniException.BAD_CONFIG, "\"" + e.getInput() + "\" is no path: " + e.getReason()));
        } catch (RuntimeException e) {
            return new CniAnswer(false, Results.error(version, CniException.INTERNAL, "the plugin failed: " + e));
        }
    }

    private String carryOut(String command, Invocation invocation, NetConf conf) throws IOException, CniException {
        return switch (command) {
            case "ADD" -> add(Attachment.of(invocation, true), conf);
            case "DEL" -> {
                delete(Attachment.of(invocation, false), conf);
                yield "";
            }
            case "CHECK" -> {
                since("0.4.0", command, conf);
                check(Attachment.of(invocation, true), conf);
                yield "";
            }
            case "STATUS" -> {
                since("1.1.0", command, conf);
                status(conf);
                yield "";
            }
            case "GC" -> {
                since("1.1.0", command, conf);
                addresses(conf).releaseAllBut(conf.validAttachments());
                yield "";
            }
            default ->
                throw new CniException(
                        CniException.BAD_ENVIRONMENT,
                        "CNI_COMMAND must be ADD, DEL, CHECK, STATUS, GC or VERSION, was \"" + command + "\"");
        };
    }

    private static void since(String least, String command, NetConf conf) throws CniException {
        if (conf.cniVersion().compareTo(least) < 0) {
            throw new CniException(
                    CniException.INCOMPATIBLE_VERSION,
                    command + " needs cniVersion " + least + " or newer, was " + conf.cniVersion());
        }
    }

    private String add(Attachment attachment, NetConf conf) throws IOException, CniException {
        SubnetEnv env = subnetEnv(conf, CniException.TRY_AGAIN_LATER);
        Cidr subnet = subnet(env, conf);
        Cidr gateway = subnet.gateway();
        try (Netns pod = openNetns(attachment);
                NetlinkSocket node = NetlinkSocket.open()) {
            HostLocal addresses = addresses(conf);
            HostLocal.Range range = HostLocal.Range.of(subnet, conf.rangeStart(), conf.rangeEnd());
            IpAddress address = addresses.reserve(attachment, range, gateway.address(), conf.requestedAddress());
            try {
                Link bridge;
                synchronized (BRIDGE_LOCK) {
                    bridge = new Bridge(node).ensure(conf.bridge(), gateway, env.mtuBytes(), conf.forceAddress());
                    Bridge.forward();
                }
                return wire(attachment, conf, env, node, pod, bridge, new Cidr(address, subnet.length()));
            } catch (IOException | CniException | RuntimeException e) {
                addresses.release(attachment);
                throw e;
            }
        }
    }

    private static String wire(
            Attachment attachment,
            NetConf conf,
            SubnetEnv env,
            NetlinkSocket node,
            Netns pod,
            Link bridge,
            Cidr address)
            throws IOException, CniException {
        PodLink link = new PodLink(node, pod, attachment.ifName());
        Link nodeEnd = link.create(conf.mtuBytes() > 0 ? conf.mtuBytes() : env.mtuBytes(), conf.mac());
        try {
            Cidr network = env.network() == null ? address.network() : env.network();
            IpAddress gateway = address.gateway().address();
            Link podEnd = link.configure(address, conf.isDefaultGateway() ? gateway : null, network);
            link.plug(nodeEnd, bridge.index(), conf.hairpinMode());
            List<Cidr> routes = new ArrayList<>(List.of(network));
            if (conf.isDefaultGateway()) {
                routes.add(new Cidr(IpAddress.ANY_V4, 0));
            }
            return Results.success(
                    conf.cniVersion(),
                    new Results.Wired(bridge, nodeEnd, podEnd, attachment.netns(), address, gateway, routes));
        } catch (IOException | RuntimeException e) {
            new Links(node).delete(nodeEnd.index());
            throw e;
        }
    }

    private static void delete(Attachment attachment, NetConf conf) throws IOException {
        if (!attachment.netns().isEmpty() && Files.exists(Path.of(attachment.netnsFile()))) {
            try (Netns pod = Netns.open(Path.of(attachment.netnsFile()), attachment.netns());
                    Netns own = Netns.current();
                    NetlinkSocket node = NetlinkSocket.open()) {
                if (!pod.isSameAs(own)) {
                    new PodLink(node, pod, attachment.ifName()).delete();
                }
            }
        }
        addresses(conf).release(attachment);
    }

    private void check(Attachment attachment, NetConf conf) throws IOException, CniException {
        SubnetEnv env = subnetEnv(conf, CniException.CHECK_FAILED);
        JsonNode ips = conf.prevResult().path("ips");
        if (ips.isEmpty()) {
            throw new CniException(CniException.BAD_CONFIG, "CHECK needs prevResult with the ips that ADD gave");
        }
        List<String> problems = new ArrayList<>();
        Cidr expected = Cidr.tryParse(ips.path(0).path("address").asText())
                .orElseThrow(() -> new CniException(CniException.BAD_CONFIG, "prevResult holds no address: " + ips));
        try (Netns pod = openNetns(attachment);
                NetlinkSocket node = NetlinkSocket.open()) {
            if (!new Bridge(node).isGood(conf.bridge(), subnet(env, conf).gateway())) {
                problems.add("bridge " + conf.bridge() + " is missing, down, or without "
                        + subnet(env, conf).gateway());
            }
            new PodCheck(node, pod).check(attachment.ifName(), conf, expected, problems);
        }
        if (addresses(conf).held(attachment).filter(expected.address()::equals).isEmpty()) {
            problems.add("the address " + expected.address() + " is not reserved for this container");
        }
        if (!problems.isEmpty()) {
            throw new CniException(CniException.CHECK_FAILED, String.join("; ", problems));
        }
    }

    private void status(NetConf conf) throws CniException {
        subnet(subnetEnv(conf, CniException.NOT_AVAILABLE), conf);
    }

    private static HostLocal addresses(NetConf conf) {
        return new HostLocal(conf.addressDirectory(), conf.name());
    }

    private static Cidr subnet(SubnetEnv env, NetConf conf) throws CniException {
        Cidr subnet = env.subnet();
        if (subnet == null) {
            throw new CniException(
                    CniException.BAD_CONFIG, conf.subnetFile() + " has no IPv4 subnet, which this version needs");
        }
        return subnet;
    }

    private SubnetEnv subnetEnv(NetConf conf, int code) throws CniException {
        try {
            return SubnetEnv.parse(Files.readString(conf.subnetFile()));
        } catch (IOException e) {
            throw new CniException(
                    code,
                    "this node has no subnet yet (" + conf.subnetFile() + " cannot be read): " + daemonState.get()
                            + "; see `flanneld-j status`",
                    e);
        } catch (SubnetEnv.MalformedException e) {
            throw new CniException(code, conf.subnetFile() + " is not usable: " + e.getMessage(), e);
        }
    }

    private static Netns openNetns(Attachment attachment) throws IOException, CniException {
        Netns pod;
        try {
            pod = Netns.open(Path.of(attachment.netnsFile()), attachment.netns());
        } catch (IOException e) {
            throw new CniException(
                    CniException.BAD_NETNS, "the network namespace cannot be opened: " + e.getMessage(), e);
        }
        try (Netns own = Netns.current()) {
            if (pod.isSameAs(own)) {
                pod.close();
                throw new CniException(
                        CniException.BAD_NETNS, "CNI_NETNS " + attachment.netns() + " is the node's own namespace");
            }
        }
        return pod;
    }
}
