package io.flannelj.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.sun.management.ThreadMXBean;
import io.flannelj.bench.EncapsulationBench;
import io.flannelj.bench.EncapsulationCase;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code flanneld-j bench}: what this machine's processor does with packets, without a kernel or a wire. */
@Command(
        name = "bench",
        header = "Measures encapsulation by itself, on one thread.",
        footer = {
            "Packet lengths are those of inner packets: for TCP the pods' MTU of 1450, for UDP 92 bytes.",
            "integration-tests/bench/overlay measures the whole path, next to other overlays."
        })
final class BenchCommand implements Callable<Integer> {
    private final PrintWriter out;
    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @Option(
            names = "--seconds",
            paramLabel = "SECONDS",
            description = "length of each measurement, after as long a warm-up (${DEFAULT-VALUE})")
    private double seconds = 1;

    @Mixin
    private OutputFlag output = new OutputFlag();

    @Mixin
    HelpFlag help = new HelpFlag();

    @Spec
    private CommandSpec command = CommandSpec.create();

    BenchCommand(PrintWriter out) {
        this.out = out;
    }

    private record Figures(
            double nanosPerPacket, double packetsPerSecond, double gigabytesPerSecond, double allocated) {}

    @Override
    public Integer call() {
        if (!(seconds > 0 && seconds <= 600)) {
            throw new ParameterException(
                    command.commandLine(), "--seconds must be above 0 and at most 600, was " + seconds);
        }
        boolean table = !output.isJson();
        ArrayNode json = new ObjectMapper().createArrayNode();
        if (table) {
            out.printf("%-7s %-26s %12s %12s %8s %14s%n", "", "", "packets/s", "ns/packet", "GB/s", "bytes made");
        }
        for (String encapsulation : EncapsulationBench.ENCAPSULATIONS) {
            for (EncapsulationCase what : EncapsulationCase.values()) {
                Figures figures = measure(encapsulation, what);
                if (table) {
                    out.printf(
                            Locale.ROOT,
                            "%-7s %-26s %12.0f %12.1f %8.2f %14.3f%n",
                            encapsulation,
                            what.title(),
                            figures.packetsPerSecond(),
                            figures.nanosPerPacket(),
                            figures.gigabytesPerSecond(),
                            figures.allocated());
                    out.flush();
                }
                json.addObject()
                        .put("encapsulation", encapsulation)
                        .put("case", what.name().toLowerCase(Locale.ROOT))
                        .put("packetsPerSecond", figures.packetsPerSecond())
                        .put("nanosPerPacket", figures.nanosPerPacket())
                        .put("gigabytesPerSecond", figures.gigabytesPerSecond())
                        .put("allocatedBytesPerPacket", figures.allocated());
            }
        }
        if (!table) {
            OutputFlag.print(out, json);
        }
        out.flush();
        return 0;
    }

    private Figures measure(String encapsulation, EncapsulationCase what) {
        try (EncapsulationBench bench = new EncapsulationBench(encapsulation, what)) {
            rounds(bench);
            long thread = Thread.currentThread().getId();
            long allocatedBefore = threads.getThreadAllocatedBytes(thread);
            long before = System.nanoTime();
            long rounds = rounds(bench);
            double nanos = System.nanoTime() - before;
            double allocated = threads.getThreadAllocatedBytes(thread) - allocatedBefore;
            double packets = (double) rounds * bench.packetsPerRound();
            return new Figures(
                    nanos / packets,
                    packets * 1e9 / nanos,
                    rounds * bench.bytesPerRound() / nanos,
                    allocated / packets);
        }
    }

    private long rounds(EncapsulationBench bench) {
        long end = System.nanoTime() + (long) (seconds * 1e9);
        long rounds = 0;
        while (System.nanoTime() < end) {
            for (int i = 0; i < 16; i++) {
                bench.round();
            }
            rounds += 16;
        }
        return rounds;
    }
}
