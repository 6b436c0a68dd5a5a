package io.flannelj.lab;

import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How long CNI plugins take, from fork to exit, one after the other in every round; whether many calls at once hold; whether
 * many pairs of calls leave anything behind. Started by {@code integration-tests/bench/cni}.
 */
public final class CniBenchmark {
    private static final Pattern ADDRESS = Pattern.compile("\"address\": ?\"([^\"]+)\"");
    private static final int WARM_UP = 20;
    private static final String LOOPBACK = "lo";
    private static final int SETTLED = 5;
    private static final long FREE_NANOS = 1_000_000;

    private final Node node;
    private final Path directory;
    private final int rounds;
    private final int pairs;
    private final Path peers = Path.of(System.getenv().getOrDefault("PEERS", "/nowhere"));
    private final boolean oursAlone;
    private boolean good = true;

    private CniBenchmark(Node node, int rounds, int pairs, boolean oursAlone) throws IOException {
        this.node = node;
        this.oursAlone = oursAlone;
        this.rounds = rounds;
        this.pairs = pairs;
        this.directory = Files.createDirectories(node.subnetFile().resolveSibling("bench"));
    }

    /** A plugin and its configuration. */
    private record Contender(String name, Path program, Path configuration) {}

    private record Times(List<Double> add, List<Double> del) {}

    /** Arguments: {@code --rounds N}, {@code --pairs N}, {@code --warmup-ms N}, {@code --native-alone} for our native one only. */
    public static void main(String[] arguments) throws Exception {
        System.setOut(new PrintStream(System.out, true, StandardCharsets.UTF_8));
        List<String> options = List.of(arguments);
        int status = 1;
        try (Lab lab = Lab.open(1, Lab.Underlay.ON)) {
            lab.configure("{\"Network\":\"10.5.0.0/16\",\"SubnetLen\":22,\"Backend\":{\"Type\":\"vxlan\"}}")
                    .node(1)
                    .start("--cni-warmup-ms", String.valueOf(option(options, "--warmup-ms", 2000)));
            CniBenchmark benchmark = new CniBenchmark(
                    lab.node(1),
                    option(options, "--rounds", 100),
                    option(options, "--pairs", 1000),
                    options.contains("--native-alone"));
            // Programs inherit the network namespace of the thread that starts them.
            try (Netns namespace =
                    Netns.open(Path.of("/run/netns/" + lab.node(1).namespace()))) {
                status = NetnsThread.call(namespace, benchmark::run) ? 0 : 1;
            }
        } catch (LabException e) {
            System.err.println(e.getMessage());
        }
        System.exit(status);
    }

    private static int option(List<String> options, String name, int otherwise) {
        int at = options.indexOf(name);
        return at < 0 ? otherwise : Integer.parseInt(options.get(at + 1));
    }

    private boolean run() throws Exception {
        Map<Contender, Times> results = new LinkedHashMap<>();
        List<Contender> all = contenders();
        for (Contender contender : all.subList(0, oursAlone ? 1 : all.size())) {
            results.put(contender, new Times(new ArrayList<>(), new ArrayList<>()));
        }
        List<Contender> order = new ArrayList<>(results.keySet());
        Times warmUp = new Times(new ArrayList<>(), new ArrayList<>());
        Random seed = new Random(1);
        for (int round = -WARM_UP; round < rounds; round++) {
            Collections.shuffle(order, seed);
            List<Pod> pods = new ArrayList<>();
            for (Contender contender : order) {
                Pod pod = node.addUnwiredPod();
                pods.add(pod);
                measure(contender, pod, round < 0 ? warmUp : results.getOrDefault(contender, warmUp));
            }
            pods.forEach(node::forget);
        }
        show(results);
        Contender ours = results.keySet().iterator().next();
        manyAtOnce(ours);
        leaveNothing(ours);
        return good;
    }

    private List<Contender> contenders() throws IOException {
        Path cni = Distribution.home().resolve("cni");
        String ours = new CniCall(node).configuration("1.0.0");
        List<Contender> all = new ArrayList<>();
        all.add(contender("flannel-j (native)", cni.resolve("flannel-j"), ours));
        all.add(contender("flannel-j-jvm (daemon)", cni.resolve("flannel-j-jvm"), ours));
        all.add(contender(
                "flannel-j-jvm (alone)",
                cni.resolve("flannel-j-jvm"),
                ours.replace(node.controlSocketFile().toString(), "/nowhere/flanneld-j.sock")));
        if (!Files.isExecutable(peers.resolve("bridge"))) {
            System.out.println("· no Go plugins in " + peers + ": measuring ours alone");
            return all;
        }
        String ipam = "\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"" + directory.resolve("go")
                + "\",\"routes\":[{\"dst\":\"10.0.0.0/8\"}],\"ranges\":[[{\"subnet\":\"10.6.0.0/22\"}]]}";
        all.add(contender(
                "bridge+host-local (Go)",
                peers.resolve("bridge"),
                "{\"cniVersion\":\"1.0.0\",\"name\":\"gobridge\",\"type\":\"bridge\",\"bridge\":\"cni0\",\"isGateway\":true,"
                        + "\"isDefaultGateway\":true,\"mtu\":1450," + ipam + "}"));
        Path env = Files.writeString(
                directory.resolve("subnet.env"),
                "FLANNEL_NETWORK=10.0.0.0/8\nFLANNEL_SUBNET=10.7.0.1/22\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n");
        if (Files.isExecutable(peers.resolve("flannel"))) {
            all.add(contender(
                    "flannel+bridge+host-local (Go)",
                    peers.resolve("flannel"),
                    "{\"cniVersion\":\"0.4.0\",\"name\":\"goflannel\",\"type\":\"flannel\",\"subnetFile\":\"" + env
                            + "\",\"dataDir\":\"" + directory.resolve("flannel")
                            + "\",\"ipam\":{\"dataDir\":\"" + directory.resolve("go")
                            + "\"},\"delegate\":{\"bridge\":\"cni1\",\"isDefaultGateway\":true}}"));
        }
        return all;
    }

    private Contender contender(String name, Path program, String configuration) throws IOException {
        Path file = directory.resolve(name.replaceAll("[^a-z-]", "") + ".conf");
        return new Contender(name, program, Files.writeString(file, configuration));
    }

    private void measure(Contender contender, Pod pod, Times times) throws IOException, InterruptedException {
        settle();
        times.add().add(call(contender, "ADD", pod, directory.resolve("out")));
        settle();
        times.del().add(call(contender, "DEL", pod, directory.resolve("out")));
    }

    /** Removed links and namespaces keep the kernel's one lock for links busy a while: each call starts when it is free. */
    private static void settle() throws IOException, InterruptedException {
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            Links links = new Links(netlink);
            for (int free = 0; free < SETTLED; ) {
                long start = System.nanoTime();
                links.find(LOOPBACK);
                free = System.nanoTime() - start < FREE_NANOS ? free + 1 : 0;
                Thread.sleep(5);
            }
        }
    }

    /** Milliseconds from fork to exit. */
    private double call(Contender contender, String command, Pod pod, Path output)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(contender.program().toString())
                .redirectInput(contender.configuration().toFile())
                .redirectOutput(output.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment()
                .putAll(Map.of(
                        "CNI_COMMAND", command,
                        "CNI_CONTAINERID", pod.containerId(),
                        "CNI_NETNS", pod.netns(),
                        "CNI_IFNAME", "eth0",
                        "CNI_PATH", peers.toString()));
        long start = System.nanoTime();
        int status = builder.start().waitFor();
        double milliseconds = (System.nanoTime() - start) / 1e6;
        if (status != 0) {
            throw new LabException(contender.name() + " " + command + ": " + Files.readString(output));
        }
        return milliseconds;
    }

    private void show(Map<Contender, Times> results) {
        System.out.printf(
                Locale.ROOT,
                "%n%d rounds, interleaved, fork to exit, ms%n%-32s %28s %28s%n%-32s %7s %6s %6s %6s %7s %6s %6s %6s%n",
                rounds,
                "",
                "ADD",
                "DEL",
                "",
                "p50",
                "min",
                "p99",
                "×Go",
                "p50",
                "min",
                "p99",
                "×Go");
        double addBar = Double.NaN;
        double delBar = Double.NaN;
        for (Map.Entry<Contender, Times> entry : results.entrySet()) {
            if (entry.getKey().name().startsWith("bridge")) {
                addBar = quantile(entry.getValue().add(), 0.5);
                delBar = quantile(entry.getValue().del(), 0.5);
            }
        }
        for (Map.Entry<Contender, Times> entry : results.entrySet()) {
            System.out.printf(
                    Locale.ROOT,
                    "%-32s %s %s%n",
                    entry.getKey().name(),
                    columns(entry.getValue().add(), addBar),
                    columns(entry.getValue().del(), delBar));
        }
        System.out.println();
    }

    private static String columns(List<Double> times, double bar) {
        return String.format(
                Locale.ROOT,
                "%7.1f %6.1f %6.1f %6s",
                quantile(times, 0.5),
                quantile(times, 0),
                quantile(times, 0.99),
                Double.isNaN(bar) ? "–" : String.format(Locale.ROOT, "%.2f", quantile(times, 0.5) / bar));
    }

    private static double quantile(List<Double> times, double share) {
        double[] sorted =
                times.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return sorted[(int) Math.min(sorted.length - 1L, Math.round(share * (sorted.length - 1)))];
    }

    /** 200 pods, eight at a time. */
    private void manyAtOnce(Contender ours) throws Exception {
        List<Pod> pods = new ArrayList<>();
        List<Callable<String>> adds = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            Pod pod = node.addUnwiredPod();
            Path output = directory.resolve("out" + i);
            pods.add(pod);
            adds.add(() -> {
                call(ours, "ADD", pod, output);
                Matcher matcher = ADDRESS.matcher(Files.readString(output));
                return matcher.find() ? matcher.group(1) : "none";
            });
        }
        // Threads started from here inherit this thread's namespace.
        ExecutorService eight = Executors.newFixedThreadPool(8);
        Set<String> addresses = new HashSet<>();
        int failed = 0;
        long start = System.nanoTime();
        for (Future<String> add : eight.invokeAll(adds)) {
            try {
                addresses.add(add.get());
            } catch (ExecutionException e) {
                failed++;
                System.out.println("· " + e.getMessage());
            }
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        eight.shutdown();
        report(
                failed == 0 && addresses.size() == 200,
                String.format(
                        Locale.ROOT,
                        "200 ADDs, 8 at a time: %d failed, %d different addresses, %.1f s, %.0f a second",
                        failed,
                        addresses.size(),
                        seconds,
                        200 / seconds));
        for (Pod pod : pods) {
            call(ours, "DEL", pod, directory.resolve("out"));
            node.forget(pod);
        }
    }

    private void leaveNothing(Contender ours) throws IOException, InterruptedException {
        Pod pod = node.addUnwiredPod();
        CniLeavings left = CniLeavings.of(node);
        for (int i = 0; i < pairs; i++) {
            call(ours, "ADD", pod, directory.resolve("out"));
            call(ours, "DEL", pod, directory.resolve("out"));
        }
        String difference = left.growth(node);
        report(
                difference.isEmpty(),
                pairs + " pairs of ADD and DEL left "
                        + (difference.isEmpty() ? "no link, route, rule, file, descriptor or thread" : difference));
        node.forget(pod);
    }

    private void report(boolean passed, String text) {
        good &= passed;
        System.out.println((passed ? "ok   " : "FAIL ") + text);
    }
}
