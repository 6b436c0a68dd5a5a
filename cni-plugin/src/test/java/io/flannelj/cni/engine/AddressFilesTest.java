package io.flannelj.cni.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
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

class AddressFilesTest {
    @TempDir
    Path directory;

    private AddressFiles addresses;

    @BeforeEach
    void setUp() {
        addresses = new AddressFiles(directory.resolve("podnet"));
    }

    private static Attachment pod(String id) {
        return new Attachment(id, "eth0", "/run/netns/" + id);
    }

    private static List<AddressRange> set(String... jsons) throws CniException {
        Json fields = new Json();
        List<AddressRange> ranges = new ArrayList<>();
        for (String json : jsons) {
            AddressRange range = AddressRange.parse(fields, "ranges", Json.object(json.replace('\'', '"'), "range"));
            if (range != null) {
                ranges.add(range);
            }
        }
        fields.throwIfAny();
        return ranges;
    }

    private String reserve(String id, String cidr, @Nullable String requested) throws IOException, CniException {
        return reserve(
                        id,
                        List.of(set("{'subnet':'" + cidr + "'}")),
                        requested == null ? List.of() : List.of(IpAddress.parse(requested)))
                .get(0);
    }

    private List<String> reserve(String id, List<List<AddressRange>> sets, List<IpAddress> requested)
            throws IOException, CniException {
        return addresses.reserve(pod(id), sets, requested).stream()
                .map(ip -> ip.address().address().toString())
                .toList();
    }

    @Test
    void givesOneOfEachSet() throws Exception {
        List<List<AddressRange>> dual = List.of(set("{'subnet':'10.5.1.0/24'}"), set("{'subnet':'fc00:1::/64'}"));

        assertThat(reserve("a", dual, List.of())).containsExactly("10.5.1.2", "fc00:1::2");
        assertThat(reserve("b", dual, List.of(IpAddress.parse("fc00:1::77"))))
                .containsExactly("10.5.1.3", "fc00:1::77");
        assertThat(directory.resolve("podnet/last_reserved_ip.1")).hasContent("fc00:1::2");
        assertThat(addresses.held(pod("a"))).hasSize(2);
    }

    @Test
    void allOrNothingIsGiven() throws Exception {
        List<List<AddressRange>> second = List.of(set("{'subnet':'10.5.1.0/24'}"), set("{'subnet':'10.6.1.0/30'}"));
        reserve("a", second, List.of());

        assertThatThrownBy(() -> reserve("b", second, List.of())).hasMessageContaining("no address is free");
        addresses.release(pod("a"));
        assertThatThrownBy(() -> reserve("b", second, List.of(IpAddress.parse("10.9.9.9"))))
                .hasMessageContaining("10.9.9.9");
        assertThat(addresses.held(pod("b"))).isEmpty();
    }

    @Test
    void goesOnIntoTheNextRangeOfASetAndAroundAgain() throws Exception {
        List<List<AddressRange>> sets = List.of(set(
                "{'subnet':'10.5.1.0/24','rangeStart':'10.5.1.10','rangeEnd':'10.5.1.11'}",
                "{'subnet':'10.6.1.0/24','rangeStart':'10.6.1.20','rangeEnd':'10.6.1.20'}"));
        assertThat(reserve("a", sets, List.of())).containsExactly("10.5.1.10");
        assertThat(reserve("b", sets, List.of())).containsExactly("10.5.1.11");
        assertThat(reserve("c", sets, List.of())).containsExactly("10.6.1.20");
        assertThat(addresses.hasFree(sets.get(0))).isFalse();
        addresses.release(pod("a"));
        assertThat(addresses.hasFree(sets.get(0))).isTrue();
        assertThat(reserve("d", sets, List.of())).containsExactly("10.5.1.10");
    }

    @Test
    void aSubnetOfOneAddressIsGivenOnlyItsHost() throws Exception {
        assertThat(reserve("a", "10.5.1.0/30", null)).isEqualTo("10.5.1.2");
        assertThatThrownBy(() -> reserve("b", "10.5.1.0/30", null)).hasMessageContaining("no address is free");
    }

    @Test
    void addressesOfAFormerBootAreForgotten() throws Exception {
        reserve("old", "10.5.1.0/24", null);
        reserve("madeByAnotherPluginSinceTheBoot", "10.5.1.0/24", null);
        Files.writeString(directory.resolve("podnet/flannel-j.boot"), "another boot");
        Files.setLastModifiedTime(directory.resolve("podnet/10.5.1.2"), FileTime.fromMillis(1_000));

        reserve("new", "10.5.1.0/24", null);

        assertThat(addresses.held(pod("old"))).isEmpty();
        assertThat(addresses.held(pod("madeByAnotherPluginSinceTheBoot"))).hasSize(1);
    }

    @Test
    void anOldLookingFileOfThisBootIsKept() throws Exception {
        reserve("early", "10.5.1.0/24", null);
        Files.setLastModifiedTime(directory.resolve("podnet/10.5.1.2"), FileTime.fromMillis(1_000));

        reserve("new", "10.5.1.0/24", null);

        assertThat(addresses.held(pod("early"))).hasSize(1);
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
            given.add(runtime.submit(() -> new AddressFiles(directory.resolve("podnet"))
                    .reserve(pod(id), List.of(set("{'subnet':'10.5.1.0/24'}")), List.of())
                    .get(0)
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

        assertThat(addresses.held(pod("alive"))).isNotEmpty();
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

    /** As a crash of the machine can leave them. */
    @Test
    void filesThatAreNoTextKeepNobodyFromGivingAndReleasing() throws Exception {
        reserve("a", "10.5.1.0/24", null);
        byte[] noText = {(byte) 0xff, 0, (byte) 0xfe};
        Files.write(directory.resolve("podnet/10.5.1.3"), noText);
        Files.write(directory.resolve("podnet/last_reserved_ip.0"), noText);

        assertThat(reserve("b", "10.5.1.0/24", null)).isEqualTo("10.5.1.4");
        addresses.release(pod("a"));
        addresses.releaseAllBut(List.of(pod("b")));

        assertThat(addresses.held(pod("b"))).isNotEmpty();
        assertThat(directory.resolve("podnet/10.5.1.3")).doesNotExist();
    }

    @Test
    void releasingWhatWasNeverHeldIsHarmless() throws Exception {
        addresses.release(pod("never"));
        assertThat(directory.resolve("podnet")).doesNotExist();
    }
}
