package io.flannelj.lease;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeaseCacheTest {
    private static final Instant NOON = Instant.parse("2026-11-25T12:00:00Z");

    @TempDir
    Path directory;

    @Test
    void comesBackAsItWas() throws Exception {
        LeaseCache saved = new LeaseCache(
                "etcd", NOON, "{\"Network\":\"10.3.0.0/16\"}", own(NOON.plusSeconds(60)), List.of(peer()), 42);
        Path file = directory.resolve("state/leases.json");
        Moment now = moment("boot 1", 100, NOON, false);
        saved.write(file, now);
        saved.write(file, now);

        assertThat(LeaseCache.read(file, "etcd", now)).contains(saved);
        assertThat(LeaseCache.read(file, "another etcd", now)).isEmpty();
        assertThat(saved.isUsableAt(NOON.plusSeconds(59))).isTrue();
        assertThat(saved.isUsableAt(NOON.plusSeconds(60))).isFalse();
        assertThat(new LeaseCache("etcd", NOON, "{}", own(null), List.of(), 1).isUsableAt(NOON.plusSeconds(1 << 30)))
                .as("a reservation")
                .isTrue();
    }

    @Test
    void aDamagedFileIsAsGoodAsNone() throws Exception {
        Path file = directory.resolve("leases.json");
        Moment now = moment("boot 1", 100, NOON, true);
        assertThat(LeaseCache.read(file, "etcd", now)).isEmpty();
        for (String text :
                new String[] {"", "{", "[]", "{\"location\":\"etcd\"}", "{\"location\":\"etcd\",\"own\":7}"}) {
            Files.writeString(file, text);
            assertThat(LeaseCache.read(file, "etcd", now)).as(text).isEmpty();
        }
    }

    /** A time that no lease can have must not keep the daemon from starting. */
    @Test
    void aTimeThatIsOutOfRangeIsDamage() throws Exception {
        Moment later = moment("boot 1", 1_020, NOON.plusSeconds(20), true);
        for (String field : new String[] {"expiresAt", "savedAt", "wall"}) {
            for (String time : new String[] {"+1000000000-12-31T23:59:59.999999999Z", "-1000000000-01-01T00:00:00Z"}) {
                Path file = write(moment("boot 1", 1_000, NOON, true));
                Files.writeString(
                        file,
                        Files.readString(file)
                                .replaceAll("\"" + field + "\":\"[^\"]*\"", "\"" + field + "\":\"" + time + "\""));

                assertThatCode(() -> LeaseCache.read(file, "etcd", later))
                        .as(field)
                        .doesNotThrowAnyException();
            }
        }
        Path file = write(moment("boot 1", 1_000, NOON, true));
        Files.writeString(
                file,
                Files.readString(file).replaceAll("\"nanosSinceBoot\":\\d+", "\"nanosSinceBoot\":" + Long.MIN_VALUE));
        assertThatCode(() -> LeaseCache.read(file, "etcd", later)).doesNotThrowAnyException();
    }

    /** A lease nested so deeply that it could be read but not written inside the file: no lease at all was saved any more. */
    @Test
    void noPeersLeaseKeepsTheFileFromBeingWritten() throws Exception {
        for (int depth : new int[] {90, 990}) {
            String value = "{\"PublicIP\":\"192.168.0.2\",\"BackendData\":{\"x\":" + "[".repeat(depth)
                    + "]".repeat(depth) + "}}";
            List<Lease> peers = LeaseJson.parse(value).stream()
                    .map(attributes -> new Lease(PodSubnets.of(Cidr.parse("10.3.2.0/24")), attributes, NOON))
                    .toList();
            assertThat(peers).hasSize(depth == 90 ? 1 : 0);
            LeaseCache saved = new LeaseCache("etcd", NOON, "{}", own(NOON), peers, 42);
            Path file = directory.resolve("leases.json");
            Moment now = moment("boot 1", 100, NOON, true);
            saved.write(file, now);
            assertThat(LeaseCache.read(file, "etcd", now)).contains(saved);
        }
    }

    /** A clock that somebody set back by years, or ahead, between two runs of the daemon: the kernel's own tells. */
    @Test
    void whatIsLeftOfALeaseIsMeasuredByTheClockOfTheBoot() throws Exception {
        Path file = write(moment("boot 1", 1_000, NOON, false));
        Instant wrong = Instant.EPOCH;

        LeaseCache saved = LeaseCache.read(file, "etcd", moment("boot 1", 1_020, wrong, false))
                .orElseThrow();
        assertThat(saved.isUsableAt(wrong.plusSeconds(39))).isTrue();
        assertThat(saved.isUsableAt(wrong.plusSeconds(40))).as("60 s, 20 ago").isFalse();
        assertThat(saved.savedAt()).isEqualTo(wrong.minusSeconds(20));
        assertThat(saved.peers().get(0).expiresAt()).isEqualTo(wrong.plusSeconds(70));
    }

    /** A machine whose clock went on from where it had been when it was switched off would serve an ended lease. */
    @Test
    void bugALeaseIsServedByAClockThatIsWrongSinceTheBootIsFixed() throws Exception {
        Path file = write(moment("boot 1", 1_000, NOON, true));

        assertThat(LeaseCache.read(file, "etcd", moment("boot 2", 5, NOON.plusSeconds(10), false)))
                .as("not synchronised")
                .isEmpty();
        assertThat(LeaseCache.read(file, "etcd", moment("boot 2", 5, NOON.minusSeconds(1), true)))
                .as("before it was written")
                .isEmpty();
        assertThat(LeaseCache.read(file, "etcd", moment("", 5, NOON.plusSeconds(10), false)))
                .as("an unknown boot")
                .isEmpty();
        LeaseCache saved = LeaseCache.read(file, "etcd", moment("boot 2", 5, NOON.plusSeconds(10), true))
                .orElseThrow();
        assertThat(saved.isUsableAt(NOON.plusSeconds(59))).isTrue();
        assertThat(saved.isUsableAt(NOON.plusSeconds(60))).isFalse();

        assertThat(LeaseCache.read(
                        write(moment("boot 1", 1_000, NOON, false)),
                        "etcd",
                        moment("boot 2", 5, NOON.plusSeconds(10), true)))
                .as("not synchronised when it was written")
                .isEmpty();
    }

    @Test
    void whereBothClocksTellTheLongerTimeCounts() {
        Moment then = moment("boot 1", 1_000, NOON, true);

        assertThat(moment("boot 1", 1_020, NOON.plusSeconds(3_600), true).since(then))
                .as("frozen for an hour")
                .contains(Duration.ofHours(1));
        assertThat(moment("boot 1", 1_020, NOON.plusSeconds(3_600), false).since(then))
                .contains(Duration.ofSeconds(20));
        assertThat(moment("boot 1", 1_020, NOON.minusSeconds(3_600), true).since(then))
                .contains(Duration.ofSeconds(20));
        assertThat(moment("boot 2", 30, NOON.plusSeconds(20), true).since(then))
                .as("it runs for longer than it was off")
                .contains(Duration.ofSeconds(30));
        assertThat(moment("boot 1", 999, NOON.plusSeconds(20), true).since(then))
                .isEmpty();
        assertThat(moment("", 1_020, NOON, false).since(moment("", 1_000, NOON, false)))
                .isEmpty();
    }

    /** Of a daemon that did not write which boot it was. */
    @Test
    void aFileWithoutClocksIsNotServedFrom() throws Exception {
        Path file = write(moment("boot 1", 1_000, NOON, true));
        String text = Files.readString(file);
        Files.writeString(file, text.replaceFirst("\"clocks\":\\{[^}]*},", ""));

        assertThat(LeaseCache.read(file)).isPresent();
        assertThat(LeaseCache.read(file, "etcd", moment("boot 1", 1_001, NOON, true)))
                .isEmpty();
    }

    private Path write(Moment at) throws IOException {
        Lease peer = new Lease(
                PodSubnets.of(Cidr.parse("10.3.2.0/24")),
                LeaseAttributes.ofIpv4(IpAddress.parse("192.168.0.2"), "", null),
                NOON.plusSeconds(90));
        Path file = directory.resolve("leases.json");
        new LeaseCache("etcd", NOON, "{}", own(NOON.plusSeconds(60)), List.of(peer), 42).write(file, at);
        return file;
    }

    /** As the process sees it whose own clock is the time of day. */
    private static Moment moment(String boot, long secondsSinceBoot, Instant wall, boolean synchronised) {
        return new Moment(wall, boot, Duration.ofSeconds(secondsSinceBoot), wall, synchronised);
    }

    private static StoredLease own(Instant end) {
        return new StoredLease(
                new Lease(
                        PodSubnets.of(Cidr.parse("10.3.1.0/24")),
                        LeaseAttributes.ofIpv4(IpAddress.parse("192.168.0.1"), "", null),
                        end),
                7,
                1234);
    }

    private static Lease peer() throws Exception {
        return new Lease(
                PodSubnets.of(Cidr.parse("10.3.2.0/24"), Cidr.parse("fd00:2::/64")),
                LeaseAttributes.ofIpv4(
                        IpAddress.parse("192.168.0.2"), "vxlan", new ObjectMapper().readTree("{\"VNI\":1}")),
                null);
    }
}
