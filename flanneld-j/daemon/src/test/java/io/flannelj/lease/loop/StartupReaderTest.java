package io.flannelj.lease.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.config.ConfigException;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.MemorySubnetManager;
import io.flannelj.lease.NodeNotes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.UnassignedException;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.PerFamily;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Clock;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class StartupReaderTest {
    private static final String DOCUMENT = "{\"Network\": \"10.3.0.0/16\"}";
    private static final LeaseAttributes NODE = LeaseAttributes.ofIpv4(IpAddress.parse("192.168.0.1"), "", null);

    private final Clock clock = Clock.systemUTC();
    private final MemorySubnetManager store = new MemorySubnetManager(clock);
    private final StartupReader reader = reader(store);

    private StartupReader reader(SubnetManager of) {
        return new StartupReader(of, new StoreHealth(clock, "memory"), clock, new SplittableRandom(1));
    }

    @Test
    void theConfigIsWaitedFor() throws Exception {
        CompletableFuture<String> network = CompletableFuture.supplyAsync(() -> {
            try {
                return String.valueOf(reader.awaitNetworkConfig(null).networks());
            } catch (ConfigException | ClosedException e) {
                throw new IllegalStateException(e);
            }
        });
        Awaitility.await().until(() -> reader.waitingFor().contains("no network config at memory"));
        store.writeConfig(DOCUMENT);

        assertThat(network.get(10, TimeUnit.SECONDS)).isEqualTo("10.3.0.0/16");
        assertThat(reader.waitingFor()).isEmpty();
    }

    @Test
    void aConfigWithProblemsIsRefused() {
        store.writeConfig("{}");
        assertThatThrownBy(() -> reader.awaitNetworkConfig(null)).isInstanceOf(ConfigException.class);
    }

    @Test
    void withoutTheStoreWhatWasWrittenDownServes() throws Exception {
        store.setAway(true);
        assertThat(reader.awaitNetworkConfig(saved()).networks()).hasToString("10.3.0.0/16");
        StartupReader.Notes notes = reader.awaitNotes(saved());
        assertThat(notes.notes().earlier()).isEqualTo(NODE);
        assertThat(notes.notes().overwrites()).as("what peers find by it").isEqualTo(PerFamily.none());
        assertThat(notes.saved()).isNotNull();
    }

    /** Peers send to the address that they were told, until a store that assigns subnets tells them another one. */
    @Test
    void withoutAStoreThatAssignsTheAddressStaysTheOneThatPeersWereTold() throws Exception {
        store.assign(PodSubnets.of(Cidr.parse("10.3.7.0/24")));
        store.setAway(true);
        assertThat(reader.awaitNotes(saved()).notes().overwrites()).isEqualTo(NODE.publicIps());
    }

    /** The store answered that it knows no such node, and went away then. */
    @Test
    void whatWasWrittenDownDoesNotServeAfterTheStoreKnewNothing() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        SubnetManager forgetful = (SubnetManager) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {SubnetManager.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("notes") && asked.getAndIncrement() == 0) {
                        throw new UnassignedException("no such node");
                    }
                    if (method.getName().equals("notes") && asked.get() == 2) {
                        store.setAway(true);
                    }
                    try {
                        return method.invoke(store, arguments);
                    } catch (InvocationTargetException e) {
                        if (asked.get() == 2) {
                            store.setAway(false);
                        }
                        throw e.getCause();
                    }
                });
        StartupReader.Notes notes = reader(forgetful).awaitNotes(saved());
        assertThat(asked).hasValue(3);
        assertThat(notes.notes()).isEqualTo(NodeNotes.NONE);
        assertThat(notes.saved()).isNull();
    }

    @Test
    void closingEndsTheWait() {
        store.setAway(true);
        reader.close();
        assertThatThrownBy(() -> reader.awaitNetworkConfig(null)).isInstanceOf(ClosedException.class);
    }

    private LeaseCache saved() {
        PodSubnets subnets = PodSubnets.of(Cidr.parse("10.3.7.0/24"));
        return new LeaseCache(
                "memory",
                clock.instant(),
                DOCUMENT,
                new StoredLease(new Lease(subnets, NODE, null), 7, 0),
                List.of(),
                7);
    }
}
