package io.flannelj.packet;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Cost of summing a payload. Run: {@code ./mvnw -Pbench verify -Dbench=InternetChecksum}. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class InternetChecksumBenchmark {
    @Param({"64", "1398", "65483"})
    int bytes;

    private final ByteBuf data = PooledByteBufAllocator.DEFAULT.directBuffer(1 << 17);

    @Setup
    public void fill() {
        SplittableRandom random = new SplittableRandom(7);
        data.clear();
        for (int i = 0; i < 1 << 14; i++) {
            data.writeLong(random.nextLong());
        }
    }

    @TearDown
    public void release() {
        data.release();
    }

    @Benchmark
    public long sum() {
        return InternetChecksum.add(0, data, 20, bytes);
    }
}
