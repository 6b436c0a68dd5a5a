package io.flannelj.lease.loop;

import io.flannelj.config.BackendConfig;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.SubnetPool;
import io.flannelj.lease.machine.Terms;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import io.flannelj.net.UdpFeature;
import java.time.Duration;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** What the parts of one simulated cluster share, decided by its seed. */
final class SimulatedWorld {
    static final int MAX_NODES = 6;

    final SplittableRandom random;
    final VirtualTime time = new VirtualTime();
    final FaultyStore store;
    final NetworkConfig config;
    final Mutation mutation;
    final Duration timeToLive;
    final Terms terms;

    /** How many nodes there are. */
    final int size;

    /** Leases last so long that nothing is heard of the store but what it is asked for. */
    final boolean patient;

    /** What happened; kept only where it is asked for. */
    @Nullable
    StringBuilder trace;

    /** Something that is checked after every step has changed since it was checked last. */
    boolean changed = true;

    SimulatedWorld(long seed, Mutation mutation) {
        this.mutation = mutation;
        this.random = new SplittableRandom(seed);
        this.patient = random.nextInt(8) == 0;
        this.timeToLive = patient ? Duration.ofHours(1) : Duration.ofSeconds(15 + random.nextInt(45));
        this.terms = new Terms(timeToLive, Duration.ofSeconds(10));
        this.store = new FaultyStore(time, random.split(), timeToLive);
        this.size = 2 + random.nextInt(MAX_NODES - 1);
        boolean dual = random.nextInt(3) == 0;
        // Pools as tight as can be make nodes meet: whoever comes anew waits for what another one lost.
        int spare = random.nextInt(3);
        this.config = new NetworkConfig(
                PerFamily.of(family -> family == IpFamily.IPV4
                        ? Optional.of(pool("10.5.0.0/20", 24, size + spare))
                        : dual ? Optional.of(pool("fd00:5::/60", 64, size + random.nextInt(3))) : Optional.empty()),
                false,
                new BackendConfig.Udp(8285, UdpFeature.ALL));
    }

    private static SubnetPool pool(String cidr, int length, int subnets) {
        Cidr network = Cidr.parse(cidr);
        IpAddress last = network.lastAddress().masked(length);
        SubnetPool whole = new SubnetPool(network, length, network.address(), last);
        return new SubnetPool(
                network, length, network.address(), whole.subnet(subnets - 1).address());
    }
}
