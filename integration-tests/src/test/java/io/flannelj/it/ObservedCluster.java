package io.flannelj.it;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.lab.Attacker;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Forgery;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Two nodes with a pod each, whose packets are watched on the first. */
final class ObservedCluster implements AutoCloseable {
    static final int VXLAN_PORT = 8472;

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String OTHERS_MAC = "02:00:00:00:00:77";

    final Lab lab;
    final Pod here;
    final Pod there;
    private int files;

    private ObservedCluster(Lab lab) {
        this.lab = lab;
        this.here = lab.node(1).addPod();
        this.there = lab.node(2).addPod();
    }

    /** Starts it with vxlan in user space. */
    static ObservedCluster open() {
        return open("vxlan");
    }

    /** Starts it. */
    static ObservedCluster open(String backend) {
        Lab lab = Lab.open(2, Lab.Underlay.WIRE);
        try {
            lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"" + backend + "\"}}");
            lab.nodes().forEach(Node::startDaemon);
            lab.nodes().forEach(node -> {
                node.awaitReady();
                node.awaitPeers(1);
            });
            return new ObservedCluster(lab);
        } catch (RuntimeException | AssertionError e) {
            lab.close();
            throw e;
        }
    }

    Node node() {
        return lab.node(1);
    }

    String peer() {
        return lab.node(2).address();
    }

    /** A file that does not exist yet. */
    Path file(String name) {
        return node().directory().resolve(files++ + "-" + name);
    }

    static String text(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Each line of a command's JSON. */
    static List<JsonNode> json(String output) {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : output.lines().toList()) {
            try {
                lines.add(JSON.readTree(line));
            } catch (JsonProcessingException e) {
                throw new AssertionError(output, e);
            }
        }
        return lines;
    }

    /** Lets packets be dropped on the first node, and says by which reason each must be. */
    Map<String, String> provokeDrops() {
        Map<String, String> victims = new LinkedHashMap<>();
        here.run("ping", "-c", "1", "-W", "1", "10.5.250.1");
        victims.put("no_route", "10.5.250.1");
        Attacker peer = Attacker.in(lab.node(2));
        String us = node().address();
        String ours = vtepMac(node());
        String theirs = vtepMac(lab.node(2));
        byte[] good = Forgery.inner(there.address(), here.address());
        Attacker.on(lab).sendUdp(us, VXLAN_PORT, Forgery.vxlan(1, ours, theirs, good));
        victims.put("unknown_peer", "");
        peer.sendUdp(us, VXLAN_PORT, Forgery.vxlan(1, ours, theirs, Forgery.inner("10.5.251.9", here.address())));
        victims.put("spoofed", "10.5.251.9");
        peer.sendUdp(us, VXLAN_PORT, Forgery.vxlan(1, ours, theirs, Forgery.inner(there.address(), "10.5.252.9")));
        victims.put("not_our_subnet", "10.5.252.9");
        peer.sendUdp(us, VXLAN_PORT, Forgery.vxlan(77, ours, theirs, good));
        victims.put("wrong_vni", "");
        peer.sendUdp(us, VXLAN_PORT, Forgery.vxlan(1, OTHERS_MAC, theirs, good));
        victims.put("wrong_mac", "");
        peer.sendUdp(us, VXLAN_PORT, new byte[] {1, 2, 3});
        victims.put("bad_encapsulation", "");
        byte[] cut = good.clone();
        cut[3] = (byte) 0xff; // its own length is more than there is
        peer.sendUdp(us, VXLAN_PORT, Forgery.vxlan(1, ours, theirs, cut));
        victims.put("malformed_inner", there.address());
        return victims;
    }

    String vtepMac(Node node) {
        try {
            for (var entry : lab.etcd().list(Lab.PREFIX + "/subnets/")) {
                JsonNode lease = JSON.readTree(entry.value());
                if (lease.path("PublicIP").asText().equals(node.address())) {
                    return lease.path("BackendData").path("VtepMAC").asText();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new AssertionError("no lease of " + node.name());
    }

    /** What tshark reads in a file; it must have no objection to any of it. */
    static String tshark(Path file, String... options) {
        List<String> command = new ArrayList<>(
                List.of("tshark", "-n", "-r", file.toString(), "-d", "udp.port==" + VXLAN_PORT + ",vxlan"));
        command.addAll(List.of(options));
        Commands.Result read = Commands.run(command, "", Map.of());
        List<String> objections = read.errors()
                .lines()
                .filter(line -> !line.isBlank() && !line.startsWith("Running as user"))
                .toList();
        if (!read.succeeded() || !objections.isEmpty()) {
            throw new AssertionError("tshark on " + file + ": " + read.errors());
        }
        return read.output();
    }

    @Override
    public void close() {
        lab.close();
    }
}
