package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.KV;
import io.flannelj.config.EtcdEndpoint;
import io.flannelj.config.EtcdOptions;
import io.flannelj.lab.AnswerProxy;
import io.flannelj.lab.EtcdServer;
import io.flannelj.lab.Lab;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.Refusal;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.SubnetManagerContract;
import io.flannelj.lease.etcd.EtcdSubnetManager;
import io.flannelj.lease.loop.LeaseFollower;
import io.flannelj.lease.loop.LeaseTable;
import io.flannelj.lease.loop.StoreHealth;
import io.flannelj.lease.loop.TaskThread;
import io.flannelj.net.IpAddress;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;

/** The etcd store against a real etcd. */
@NeedsPrivileges
@ExtendWith(EtcdSubnetManagerIT.InLab.class)
class EtcdSubnetManagerIT extends SubnetManagerContract {
    private static final Duration SOON = Duration.ofSeconds(15);
    private static final int LEASES = 30_000;
    private static final int LEASES_KEPT = 8192;

    private EtcdServer etcd;
    private SubnetManager store;

    /** Runs each test in etcd's own namespace: threads, and so the client's sockets, belong to where they are made. */
    static final class InLab implements InvocationInterceptor {
        @Override
        public void interceptTestMethod(
                Invocation<Void> invocation, ReflectiveInvocationContext<Method> context, ExtensionContext extension)
                throws Throwable {
            EtcdSubnetManagerIT test = (EtcdSubnetManagerIT) extension.getRequiredTestInstance();
            try (Lab lab = Lab.open(0, Lab.Underlay.ON);
                    Netns netns = Netns.open(Path.of("/run/netns", lab.etcd().namespace()))) {
                NetnsThread.call(netns, () -> {
                    test.run(lab.etcd(), invocation);
                    return true;
                });
            }
        }
    }

    private void run(EtcdServer server, InvocationInterceptor.Invocation<Void> body) throws Exception {
        etcd = server;
        try (SubnetManager opened = open(server.url())) {
            store = opened;
            body.proceed();
        } catch (Exception | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    protected SubnetManager store() {
        return store;
    }

    @Override
    protected void writeConfig(String document) {
        etcd.put(Lab.PREFIX + "/config", document);
    }

    @Override
    protected void reserve(PodSubnets subnets, LeaseAttributes attributes) {
        etcd.put(key(subnets), "{\"PublicIP\":\"" + attributes.publicAddress() + "\",\"BackendType\":\"host-gw\"}");
    }

    private static String key(PodSubnets subnets) {
        return Lab.PREFIX + "/subnets/" + subnets.toString().replace('/', '-');
    }

    @Test
    void theWatchLagsUntilItIsAskedHowFarItIs() throws Exception {
        assertThat(store.lagRevisions()).as("before the first listing").isEmpty();
        SubnetManager.Listing listing = store.list();
        assertThat(store.lagRevisions()).hasValue(0);
        try (SubnetManager.Watch watch = store.watch(listing.revision() + 1, event -> {}, reason -> {})) {
            etcd.put("/elsewhere/key", "1");
            etcd.put("/elsewhere/key", "2");
            store.fetchNetworkConfig();
            assertThat(store.lagRevisions()).as("other keys were written").hasValue(2);
            Awaitility.await().atMost(SOON).untilAsserted(() -> {
                watch.requestProgress();
                assertThat(store.lagRevisions()).hasValue(0);
            });
            store.create(ONE, LeaseAttributes.ofIpv4(IpAddress.parse("192.168.100.1"), "", null), DAY);
            Awaitility.await()
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(store.lagRevisions()).hasValue(0));
        }
    }

    @Test
    void writesFlannelsBytes() throws Exception {
        LeaseAttributes vxlan = LeaseAttributes.ofIpv4(
                IpAddress.parse("192.168.100.1"),
                "vxlan",
                new ObjectMapper().readTree("{\"VNI\":1,\"VtepMAC\":\"02:00:00:00:00:01\"}"));
        assertThat(store.create(ONE, vxlan, DAY)).isPresent();
        assertThat(store.create(TWO, LeaseAttributes.ofIpv4(IpAddress.parse("192.168.100.2"), "", null), DAY))
                .isPresent();

        assertThat(etcd.list(Lab.PREFIX + "/subnets/"))
                .containsExactly(
                        new EtcdServer.Entry(
                                Lab.PREFIX + "/subnets/10.5.1.0-24",
                                "{\"PublicIP\":\"192.168.100.1\",\"PublicIPv6\":null,\"BackendType\":\"vxlan\","
                                        + "\"BackendData\":{\"VNI\":1,\"VtepMAC\":\"02:00:00:00:00:01\"}}"),
                        new EtcdServer.Entry(
                                Lab.PREFIX + "/subnets/10.5.2.0-24",
                                "{\"PublicIP\":\"192.168.100.2\",\"PublicIPv6\":null}"));
    }

    /** The new etcd lease was revoked, and the live key went with it, although the renewal had been carried out. */
    @Test
    void bugALateAnswerDeletesTheLiveLeaseIsFixed() throws Exception {
        StoredLease before = store.create(ONE, node(1), DAY).orElseThrow();
        try (AnswerProxy proxy = proxy();
                SubnetManager far = open(proxy.url())) {
            assertThat(far.list().leases()).hasSize(1);
            proxy.holdAnswersTo(key(ONE));
            assertThatThrownBy(() -> far.update(before, node(1), DAY)).isInstanceOf(StoreException.class);
            assertThat(proxy.isHolding()).isTrue();
            proxy.passAnswers();

            Awaitility.await().during(Duration.ofSeconds(3)).atMost(SOON).until(() -> isLeasedSince(before.version()));
            StoredLease late = store.list().leases().get(0);
            assertThat(far.update(late, node(1), DAY)).isPresent();
            Awaitility.await().during(Duration.ofSeconds(2)).atMost(SOON).until(() -> isLeasedSince(late.version()));
        }
    }

    @Test
    void aWriteWhoseAnswerIsLostIsThere() throws Exception {
        try (AnswerProxy proxy = proxy();
                SubnetManager far = open(proxy.url())) {
            assertThat(far.list().leases()).isEmpty();
            proxy.holdAnswersTo(key(ONE));
            assertThatThrownBy(() -> far.create(ONE, node(1), DAY)).isInstanceOf(StoreException.class);
            proxy.dropAnswers();

            Awaitility.await().during(Duration.ofSeconds(3)).atMost(SOON).until(() -> isLeasedSince(0));
        }
    }

    private AnswerProxy proxy() throws IOException {
        return AnswerProxy.to(URI.create(etcd.url()).getPort());
    }

    private static SubnetManager open(String url) throws StoreException {
        EtcdOptions options = new EtcdOptions(List.of(EtcdEndpoint.parse(url, false)), Lab.PREFIX, "", "", "", "", "");
        return EtcdSubnetManager.open(options, Clock.systemUTC());
    }

    private boolean isLeasedSince(long version) throws StoreException {
        return store.list().leases().stream()
                .anyMatch(lease -> lease.subnets().equals(ONE) && lease.version() > version);
    }

    @Test
    void aLeaseEndsWithItsTimeToLive() throws Exception {
        List<String> seen = new CopyOnWriteArrayList<>();
        long revision = store.list().revision();
        SubnetManager.Watch watch = store.watch(revision + 1, event -> seen.add(describe(event)), end -> {});

        assertThat(store.create(ONE, node(1), Duration.ofSeconds(2))).isPresent();

        Awaitility.await().atMost(SOON).until(() -> seen.contains("-10.5.1.0/24"));
        watch.close();
        assertThat(store.list().leases()).isEmpty();
    }

    @Test
    void aReservationIsNotTakenByItsUpdate() throws Exception {
        reserve(ONE, node(1));
        store.update(store.list().leases().get(0), node(1), Duration.ofSeconds(1));

        Awaitility.await()
                .during(Duration.ofSeconds(3))
                .atMost(Duration.ofSeconds(5))
                .until(() -> store.list().leases().size() == 1);
    }

    @Test
    void aWatchOfCompactedHistoryEnds() throws Exception {
        assertThat(store.create(ONE, node(1), DAY)).isPresent();
        long old = store.list().revision();
        assertThat(store.create(TWO, node(2), DAY)).isPresent();
        etcd.compact(store.list().revision());
        List<String> ends = new CopyOnWriteArrayList<>();

        SubnetManager.Watch watch = store.watch(old, event -> {}, ends::add);

        Awaitility.await().atMost(SOON).until(() -> !ends.isEmpty());
        watch.close();
        assertThat(ends).hasSize(1);
    }

    @Test
    void aFollowerConvergesOverCompactionAndRestart() throws Exception {
        LeaseTable table = new LeaseTable();
        StoreHealth health = new StoreHealth(Clock.systemUTC(), store.location());
        try (TaskThread watching = new TaskThread("watching");
                LeaseFollower follower =
                        new LeaseFollower(store, health, watching, new Random(7), event -> apply(table, event))) {
            follower.start(0);
            assertThat(store.create(ONE, node(1), DAY)).isPresent();
            awaitPeers(table, 1);

            etcd.kill();
            etcd.restart();
            Awaitility.await().atMost(SOON).ignoreExceptions().until(() -> isLeased(TWO));
            awaitPeers(table, 2);

            etcd.compact(store.list().revision());
            etcd.delete(key(ONE));
            awaitPeers(table, 1);
        }
        assertThat(health.status().reachable()).isTrue();
    }

    @Test
    void garbageBesideLeasesIsNamedAndNoLease() throws Exception {
        assertThat(store.create(ONE, node(1), DAY)).isPresent();
        etcd.put(Lab.PREFIX + "/subnets/10.5.9.0-24", "not JSON");
        etcd.put(Lab.PREFIX + "/subnets/nonsense", "{}");
        etcd.put(Lab.PREFIX + "/subnets/elsewhere/10.5.7.0-24", "{\"PublicIP\":\"192.168.100.7\"}");
        etcd.put(Lab.PREFIX + "/subnets-of-another/10.5.8.0-24", "{\"PublicIP\":\"192.168.100.8\"}");
        for (int i = 0; i < 3; i++) {
            assertThat(store.list().leases()).hasSize(1);
        }
        assertThat(store.unreadable())
                .extracting(refusal -> refusal.key().substring(Lab.PREFIX.length()))
                .containsExactlyInAnyOrder(
                        "/subnets/10.5.9.0-24", "/subnets/nonsense", "/subnets/elsewhere/10.5.7.0-24");
        etcd.delete(Lab.PREFIX + "/subnets/nonsense");
        store.leases();
        assertThat(store.unreadable()).as("of the last listing").hasSize(3);
        store.list();
        assertThat(store.unreadable()).hasSize(2);
    }

    /** 30,000 leases and four values of a megabyte: far more than the 4 MiB that gRPC takes in one answer. */
    @Test
    void whatDoesNotFitIntoOneAnswerIsRead() throws Exception {
        String padding = "x".repeat(1_400_000);
        for (int i = 0; i < 4; i++) {
            etcd.put(Lab.PREFIX + "/subnets/10.5." + (100 + 30 * i) + ".0-24", padding);
        }
        String lease = "{\"PublicIP\":\"192.168.100.77\",\"PublicIPv6\":null,\"BackendType\":\"vxlan\","
                + "\"BackendData\":{\"VNI\":1,\"VtepMAC\":\"c6:d2:32:6f:8f:44\"}}";
        try (Client client = Client.builder().endpoints(etcd.url()).build()) {
            KV store = client.getKVClient();
            List<CompletableFuture<?>> pending = new ArrayList<>();
            for (int i = 0; i < LEASES; i++) {
                pending.add(store.put(
                        bytes(Lab.PREFIX + "/subnets/10." + (64 + (i >> 8)) + "." + (i & 255) + ".0-24"),
                        bytes(lease)));
                if (pending.size() == 500) {
                    CompletableFuture.allOf(pending.toArray(CompletableFuture[]::new))
                            .join();
                    pending.clear();
                }
            }
            CompletableFuture.allOf(pending.toArray(CompletableFuture[]::new)).join();
        }
        SubnetManager.Listing listing = store.list();

        assertThat(listing.leases())
                .as("the oldest")
                .hasSize(LEASES_KEPT)
                .allSatisfy(kept -> assertThat(kept.lease().origin().key()).matches(".*/10\\.(6[4-9]|[789].)\\..*"));
        assertThat(listing.revision()).isEqualTo(etcd.revision());
        assertThat(store.unreadable())
                .extracting(Refusal::reason)
                .containsExactlyInAnyOrder(
                        Refusal.Reason.TOO_LARGE,
                        Refusal.Reason.TOO_LARGE,
                        Refusal.Reason.TOO_LARGE,
                        Refusal.Reason.TOO_LARGE,
                        Refusal.Reason.TOO_MANY);
    }

    private static ByteSequence bytes(String text) {
        return ByteSequence.from(text, StandardCharsets.UTF_8);
    }

    /** Claims it; a claim whose answer was lost may have been made all the same. */
    private boolean isLeased(PodSubnets subnets) throws StoreException {
        return store.create(subnets, node(2), DAY).isPresent()
                || store.list().leases().stream()
                        .anyMatch(lease -> lease.subnets().equals(subnets));
    }

    private static void apply(LeaseTable table, LeaseEvent event) {
        synchronized (table) {
            table.apply(event);
        }
    }

    private static void awaitPeers(LeaseTable table, int count) {
        Awaitility.await().atMost(SOON).until(() -> {
            synchronized (table) {
                return table.peers().size() == count;
            }
        });
    }
}
