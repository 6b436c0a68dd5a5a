package io.flannelj.lab;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The laboratory for people: builds a small cluster, shows that it works, and stays up until Ctrl-C. */
public final class Quickstart {
    private static final int PINGS = 10;
    private static final Pattern AVERAGE = Pattern.compile("= [0-9.]+/([0-9.]+)/");
    private static final Pattern RECEIVED = Pattern.compile("([0-9.]+) Gbits/sec\\s+receiver");

    /** A daemon that has just started interprets its code; after as many packets as this takes, it is compiled. */
    private static final int WARM_UP_SECONDS = 4;

    private final String backend;
    private final int nodes;
    private final long began;
    private boolean good = true;

    private Quickstart(String backend, int nodes, long secondsBefore) {
        this.backend = backend;
        this.nodes = nodes;
        this.began = System.nanoTime() - TimeUnit.SECONDS.toNanos(secondsBefore);
    }

    /** Arguments: backend, number of nodes, {@code once} or {@code stay}, seconds that the user has waited already. */
    public static void main(String[] arguments) throws InterruptedException {
        // A bare machine has no locale, and Java would write question marks.
        System.setOut(new PrintStream(System.out, true, StandardCharsets.UTF_8));
        Quickstart quickstart =
                new Quickstart(arguments[0], Integer.parseInt(arguments[1]), Long.parseLong(arguments[3]));
        try {
            boolean good = quickstart.run(arguments[2].equals("once"));
            System.exit(good ? 0 : 1);
        } catch (LabException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }

    private boolean run(boolean once) throws InterruptedException {
        say("making %d nodes, a switch and etcd in network namespaces", nodes);
        try (Lab lab = Lab.open(nodes, Lab.Underlay.ON)) {
            lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"" + backend + "\"}}");
            say("starting flanneld-j on every node, backend %s", backend);
            lab.start();
            say("wiring two pods into each node's docker0");
            lab.nodes().forEach(node -> {
                node.addPod();
                node.addPod();
            });
            for (int i = 0; i < nodes; i++) {
                say(
                        "warming up node %d of %d: its daemon has just started, and Java compiles what is used",
                        i + 1, nodes);
                warmUp(lab, lab.nodes().get(i));
            }
            say("measuring");
            System.out.printf(
                    "%n%-5s %-16s %-15s %-6s %-10s %-10s %-12s %s%n",
                    "NODE", "SUBNET", "UNDERLAY", "PEERS", "127.0.0.1", "SAME NODE", "OTHER NODE", "TCP");
            lab.nodes().forEach(node -> show(lab, node));
            System.out.printf(
                    "Times: mean of %d pings. The daemons had %d s of traffic before; at first they are slower.%n",
                    PINGS, WARM_UP_SECONDS);
            if (!once) {
                explain(lab);
                Thread.currentThread().join();
            }
        }
        say(good ? "everything works; the namespaces are gone again" : "something does not work, see above");
        return good;
    }

    private static Pod remote(Lab lab, Node node) {
        int next = (lab.nodes().indexOf(node) + 1) % lab.nodes().size();
        return lab.nodes().get(next).pods().get(0);
    }

    private static void warmUp(Lab lab, Node node) {
        Pod pod = node.pods().get(0);
        Pod remote = remote(lab, node);
        iperf(pod, remote, WARM_UP_SECONDS / 2);
        pod.run("ping", "-q", "-i0.002", "-w" + WARM_UP_SECONDS / 2, remote.address());
    }

    private void show(Lab lab, Node node) {
        List<Pod> pods = node.pods();
        Pod pod = pods.get(0);
        Pod remote = remote(lab, node);
        System.out.printf(
                Locale.ROOT,
                "%-5s %-16s %-15s %-6d %-10s %-10s %-12s %s%n",
                node.name(),
                node.status().path("subnet").asText(),
                node.address(),
                node.status().path("peers").asInt(),
                ping(pod, "127.0.0.1"),
                ping(pod, pods.get(1).address()),
                ping(pod, remote.address()),
                throughput(pod, remote));
    }

    private String ping(Pod from, String target) {
        Commands.Result result = from.run("ping", "-q", "-c" + PINGS, "-i0.1", "-W2", target);
        Matcher average = AVERAGE.matcher(result.output());
        boolean works = result.succeeded() && average.find();
        good &= works;
        return works ? average.group(1) + " ms" : "FAILS";
    }

    private String throughput(Pod from, Pod to) {
        Commands.Result client = iperf(from, to, 2);
        Matcher received = RECEIVED.matcher(client.output());
        boolean works = client.succeeded() && received.find();
        good &= works;
        return works ? received.group(1) + " Gbit/s" : "FAILS";
    }

    private static Commands.Result iperf(Pod from, Pod to, int seconds) {
        Process server = from.node().startIn(to, "iperf3", "-s", "-1");
        Wait.until(
                "iperf3 listens",
                Duration.ofSeconds(5),
                () -> to.run("ss", "-ltn").output().contains(":5201"));
        Commands.Result client = from.run("iperf3", "-c", to.address(), "-t", String.valueOf(seconds), "-f", "g");
        server.destroy();
        return client;
    }

    private static void explain(Lab lab) {
        Node node = lab.node(1);
        Pod pod = node.pods().get(0);
        Pod remote = lab.nodes().get(lab.nodes().size() - 1).pods().get(0);
        System.out.printf(
                """

                It stays up until Ctrl-C. To go on playing, in another terminal:
                  ip netns exec %s ping %s            a pod of %s pings a pod of %s
                  ip netns exec %s curl -s http://127.0.0.1:8081/          the status page of %s
                  ip netns exec %s curl -s http://127.0.0.1:8081/metrics   its metrics
                  %s/bin/flanneld-j status --control-socket %s
                  %s/bin/flanneld-j peers --control-socket %s
                  ip netns exec %s %s/bin/flanneld-j observe --control-socket %s    packets as they pass
                  ip netns exec %s %s/bin/flanneld-j explain %s %s --control-socket %s    the way between two pods
                  ip netns exec %s tcpdump -ni eth0 udp                     what is on the wire
                """,
                pod.namespace(),
                remote.address(),
                node.name(),
                remote.node().name(),
                node.namespace(),
                node.name(),
                node.namespace(),
                Distribution.home(),
                node.controlSocketFile(),
                Distribution.home(),
                node.controlSocketFile(),
                node.namespace(),
                Distribution.home(),
                node.controlSocketFile(),
                node.namespace(),
                Distribution.home(),
                pod.address(),
                remote.address(),
                node.controlSocketFile(),
                node.namespace());
    }

    /** One line for a stage, behind the seconds that the user has waited so far. */
    private void say(String format, Object... values) {
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began);
        System.out.printf(Locale.ROOT, "· %3d s  %s%n", seconds, String.format(Locale.ROOT, format, values));
    }
}
