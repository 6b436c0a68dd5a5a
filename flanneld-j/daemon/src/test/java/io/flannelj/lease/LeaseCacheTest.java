package io.flannelj.lease;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.nio.file.Files;
import java.nio.file.Path;
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
        saved.write(file);
        saved.write(file);

        assertThat(LeaseCache.read(file, "etcd")).contains(saved);
        assertThat(LeaseCache.read(file, "another etcd")).isEmpty();
        assertThat(saved.isUsableAt(NOON.plusSeconds(59))).isTrue();
        assertThat(saved.isUsableAt(NOON.plusSeconds(60))).isFalse();
        assertThat(new LeaseCache("etcd", NOON, "{}", own(null), List.of(), 1).isUsableAt(NOON.plusSeconds(1 << 30)))
                .as("a reservation")
                .isTrue();
    }

    @Test
    void aDamagedFileIsAsGoodAsNone() throws Exception {
        Path file = directory.resolve("leases.json");
        assertThat(LeaseCache.read(file, "etcd")).isEmpty();
        for (String text :
                new String[] {"", "{", "[]", "{\"location\":\"etcd\"}", "{\"location\":\"etcd\",\"own\":7}"}) {
            Files.writeString(file, text);
            assertThat(LeaseCache.read(file, "etcd")).as(text).isEmpty();
        }
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
            saved.write(file);
            assertThat(LeaseCache.read(file, "etcd")).contains(saved);
        }
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
