package io.flannelj.datapath;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Cost of finding the peer of a destination. Run: {@code ./mvnw -Pbench verify -Dbench=RouteLookup}. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RouteLookupBenchmark {
    private static final int DESTINATIONS = 4096;

    @Param({"2", "5000", "100000"})
    int routes;

    private RouteTable table = RouteTable.EMPTY;
    private final int[] destinations = new int[DESTINATIONS];
    private int next;

    @Setup
    public void fill() {
        List<Peer> peers = new ArrayList<>();
        for (int i = 0; i < routes; i++) {
            int subnet = 10 << 24 | i << 7; // a /25 each, so that 100,000 fit into 10.0.0.0/8
            peers.add(new Peer(new Cidr(IpAddress.ofIpv4(subnet), 25), IpAddress.ofIpv4(172 << 24 | i), 8472, i));
        }
        table = RouteTable.of(peers);
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < DESTINATIONS; i++) {
            destinations[i] = 10 << 24 | random.nextInt(routes) << 7 | random.nextInt(128);
        }
    }

    @Benchmark
    public @Nullable Object lookup() {
        return table.lookup(0, Integer.toUnsignedLong(destinations[next++ & DESTINATIONS - 1]));
    }
}
