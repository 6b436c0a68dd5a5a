package io.flannelj.lab.bench;

import io.flannelj.lab.Lab;
import io.flannelj.lab.LabException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Measures all contenders of one underlay in turns: repetition by repetition, metric by metric, contender by contender, so
 * that what is compared was measured within seconds.
 */
final class Suite implements AutoCloseable {
    private static final double BYTES_PER_GB = 1e9;
    private static final int SMALL_BYTES = 64;
    private static final int LARGE_BYTES = 1400 - 28; // a packet of 1,400 bytes, which every contender takes whole

    private final double seconds;
    private final Set<Metric> wanted;
    private final Consumer<String> progress;
    private final Map<String, Rig> rigs = new LinkedHashMap<>();
    private final Results results;

    Suite(Lab.Underlay underlay, double seconds, Set<Metric> wanted, Consumer<String> progress) {
        this.seconds = seconds;
        this.wanted = Set.copyOf(wanted);
        this.progress = progress;
        this.results = new Results(underlay.name().toLowerCase(java.util.Locale.ROOT));
    }

    /** Builds a contender and warms it up; one that cannot be built is left out with a word. */
    void enter(Contender contender, Lab.Underlay underlay) {
        Lab lab = Lab.pair(underlay);
        try {
            Rig rig = contender.build(lab);
            rigs.put(contender.name(), rig);
            Iperf.tcp(rig, 2, 4, false);
            Iperf.tcp(rig, 1, 4, true);
            Iperf.udp(rig, 1, SMALL_BYTES);
            PingPong.measure(rig, 0.5);
            progress.accept(contender.name() + " is ready");
        } catch (LabException e) {
            rigs.remove(contender.name());
            lab.close();
            progress.accept(contender.name() + " left out: " + e.getMessage());
        }
    }

    void repetition(int number) {
        progress.accept(results.underlay() + ", repetition " + number);
        each(Metric.TCP1, (name, rig) -> tcp(name, rig, Metric.TCP1, 1, false));
        each(Metric.TCP4, (name, rig) -> tcp(name, rig, Metric.TCP4, 4, false));
        each(Metric.TCP1_BACK, (name, rig) -> tcp(name, rig, Metric.TCP1_BACK, 1, true));
        each(Metric.TCP4_BACK, (name, rig) -> tcp(name, rig, Metric.TCP4_BACK, 4, true));
        each(Metric.UDP64, this::smallPackets);
        each(Metric.UDP1400, this::largePackets);
        each(Metric.RR_P50, this::latency);
    }

    private void smallPackets(String name, Rig rig) {
        Usage before = Usage.of(rig.daemons());
        Iperf.Udp udp = Iperf.udp(rig, seconds, SMALL_BYTES);
        Usage used = Usage.of(rig.daemons()).since(before);
        results.add(name, Metric.UDP64, udp.received() / 1e3);
        results.add(name, Metric.UDP64_LOST, udp.lost() * 100);
        if (!rig.daemons().isEmpty()) {
            results.add(name, Metric.PACKET_CPU, used.daemonSeconds() * 1e6 / udp.packets());
        }
    }

    private void largePackets(String name, Rig rig) {
        Iperf.Udp udp = Iperf.udp(rig, seconds, LARGE_BYTES);
        results.add(name, Metric.UDP1400, udp.received() / 1e3);
        results.add(name, Metric.UDP1400_LOST, udp.lost() * 100);
    }

    private void latency(String name, Rig rig) {
        PingPong.Latency latency = PingPong.measure(rig, seconds);
        results.add(name, Metric.RR_P50, latency.p50());
        results.add(name, Metric.RR_P99, latency.p99());
        results.add(name, Metric.RR_P999, latency.p999());
    }

    private void tcp(String name, Rig rig, Metric metric, int streams, boolean backwards) {
        Usage before = Usage.of(rig.daemons());
        Iperf.Tcp tcp = Iperf.tcp(rig, seconds, streams, backwards);
        Usage used = Usage.of(rig.daemons()).since(before);
        results.add(name, metric, tcp.bitsPerSecond() / 1e9);
        double gigabytes = tcp.bytes() / BYTES_PER_GB;
        results.add(name, Metric.MACHINE_CPU, used.machineSeconds() / gigabytes);
        if (!rig.daemons().isEmpty()) {
            results.add(name, Metric.DAEMON_CPU, used.daemonSeconds() / gigabytes);
            results.add(name, Metric.SWITCHES, used.switches() / gigabytes);
            results.add(
                    name,
                    Metric.RESIDENT,
                    used.residentBytes() / 1048576.0 / rig.daemons().size());
        }
    }

    /** Young collections of our own daemons while each carries traffic for so long. */
    Map<String, Long> collections(double duration) {
        Map<String, Long> counts = new LinkedHashMap<>();
        rigs.forEach((name, rig) -> {
            if (name.startsWith(OwnContender.PREFIX)) {
                long before = collections(rig);
                Iperf.tcp(rig, duration, 2, false);
                counts.put(name, collections(rig) - before);
            }
        });
        return counts;
    }

    private static long collections(Rig rig) {
        return rig.lab().nodes().stream()
                .flatMap(node -> node.metrics().lines())
                .filter(line -> line.startsWith("jvm_gc_pause_seconds_count"))
                .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    private interface Measurement {
        void of(String name, Rig rig);
    }

    private void each(Metric metric, Measurement measurement) {
        if (!wanted.contains(metric)) {
            return;
        }
        for (Map.Entry<String, Rig> entry : List.copyOf(rigs.entrySet())) {
            try {
                measurement.of(entry.getKey(), entry.getValue());
            } catch (LabException e) {
                progress.accept(entry.getKey() + ": a measurement failed: " + e.getMessage());
            }
        }
    }

    Results results() {
        return results;
    }

    @Override
    public void close() {
        new ArrayList<>(rigs.values()).forEach(rig -> rig.lab().close());
        rigs.clear();
    }
}
