package io.flannelj.bench;

import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Cost of one batch through the worker: 45 segments of a TCP stream, or 64 small datagrams; encapsulated and segmented, or
 * decapsulated and joined. Run: {@code ./mvnw -Pbench verify -Dbench=Encapsulation}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class EncapsulationBenchmark {
    @Param({"vxlan", "udp"})
    String encapsulation = "vxlan";

    @Param({"TCP_OUT", "TCP_IN", "SMALL_OUT", "SMALL_IN"})
    EncapsulationCase what = EncapsulationCase.TCP_OUT;

    private @Nullable EncapsulationBench bench;

    @Setup(Level.Trial)
    public void open() {
        bench = new EncapsulationBench(encapsulation, what);
    }

    @TearDown(Level.Trial)
    public void close() {
        Objects.requireNonNull(bench).close();
    }

    @Benchmark
    public void batch() {
        Objects.requireNonNull(bench).round();
    }
}
