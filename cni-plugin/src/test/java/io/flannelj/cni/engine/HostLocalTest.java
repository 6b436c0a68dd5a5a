package io.flannelj.cni.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostLocalTest {
    private static final IpAddress GATEWAY = IpAddress.parse("10.5.1.1");

    @TempDir
    Path directory;

    private HostLocal addresses;

    @BeforeEach
    void setUp() {
        addresses = new HostLocal(directory, "podnet");
    }

    private static Attachment pod(String id) {
        return new Attachment(id, "eth0", "/run/netns/" + id);
    }

    private static HostLocal.Range subnet(String cidr) throws CniException {
        return HostLocal.Range.of(Cidr.parse(cidr), null, null);
    }

    private String reserve(String id, String cidr, @Nullable String requested) throws IOException, CniException {
        return addresses
                .reserve(pod(id), subnet(cidr), GATEWAY, requested == null ? null : IpAddress.parse(requested))
                .toString();
    }

    @Test
    void givesOneAfterTheOtherAndNeverTheGateway() throws Exception {
        assertThat(reserve("a", "10.5.1.0/24", null)).isEqualTo("10.5.1.2");
        assertThat(reserve("b", "10.5.1.0/24", null)).isEqualTo("10.5.1.3");
        addresses.release(pod("a"));
        assertThat(reserve("c", "10.5.1.0/24", null))
                .as("not one just given back")
                .isEqualTo("10.5.1.4");
    }

    @Test
    void keepsFilesAsHostLocalDoes() throws Exception {
        reserve("a", "10.5.1.0/24", null);

        assertThat(directory.resolve("podnet/10.5.1.2")).hasContent("a\r\neth0");
        assertThat(directory.resolve("podnet/last_reserved_ip.0")).hasContent("10.5.1.2");
        assertThat(directory.resolve("podnet/lock")).exists();
    }

    @Test
    void aSmallSubnetIsGivenWholeAndThenRefused() throws Exception {
        Set<String> given = new HashSet<>();
        for (int i = 0; i < 5; i++) {
            given.add(reserve("pod" + i, "10.5.1.0/29", null));
        }
        assertThat(given).containsExactlyInAnyOrder("10.5.1.2", "10.5.1.3", "10.5.1.4", "10.5.1.5", "10.5.1.6");

        assertThatThrownBy(() -> reserve("late", "10.5.1.0/29", null))
                .isInstanceOf(CniException.class)
                .hasMessageContaining("no address is free");
        addresses.release(pod("pod3"));
        assertThat(reserve("late", "10.5.1.0/29", null)).isIn(given);
    }

    @Test
    void aRequestedAddressIsGivenOrRefused() throws Exception {
        assertThat(reserve("a", "10.5.1.0/24", "10.5.1.77")).isEqualTo("10.5.1.77");
        for (String bad : List.of("10.5.1.77", "10.5.1.1", "10.6.0.1")) {
            assertThatThrownBy(() -> reserve("b", "10.5.1.0/24", bad)).hasMessageContaining(bad);
        }
    }

    @Test
    void oneContainerIsNotWiredTwice() throws Exception {
        reserve("a", "10.5.1.0/24", null);

        assertThatThrownBy(() -> reserve("a", "10.5.1.0/24", null)).hasMessageContaining("DEL it first");
    }

    @Test
    void concurrentPodsNeverShareAnAddress() throws Exception {
        ExecutorService runtime = Executors.newFixedThreadPool(8);
        List<Future<String>> given = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            String id = "pod" + i;
            given.add(runtime.submit(() -> new HostLocal(directory, "podnet")
                    .reserve(pod(id), subnet("10.5.1.0/24"), GATEWAY, null)
                    .toString()));
        }
        Set<String> distinct = new HashSet<>();
        for (Future<String> one : given) {
            distinct.add(one.get());
        }
        runtime.shutdown();

        assertThat(distinct).hasSize(64);
    }

    @Test
    void collectsWhatNobodyHoldsAnyMore() throws Exception {
        reserve("alive", "10.5.1.0/24", null);
        reserve("gone", "10.5.1.0/24", null);

        addresses.releaseAllBut(List.of(pod("alive")));

        assertThat(addresses.held(pod("alive"))).isPresent();
        assertThat(addresses.held(pod("gone"))).isEmpty();
    }

    @Test
    void filesInTheOldFormatAreHonoured() throws Exception {
        Files.createDirectories(directory.resolve("podnet"));
        Files.writeString(directory.resolve("podnet/10.5.1.2"), "old");
        Files.writeString(directory.resolve("podnet/last_reserved_ip.0"), "garbage");

        assertThat(reserve("new", "10.5.1.0/24", null)).isEqualTo("10.5.1.3");
        addresses.release(pod("old"));
        assertThat(directory.resolve("podnet/10.5.1.2")).doesNotExist();
    }

    @Test
    void releasingWhatWasNeverHeldIsHarmless() throws Exception {
        addresses.release(pod("never"));
        assertThat(directory.resolve("podnet")).doesNotExist();
    }
}
