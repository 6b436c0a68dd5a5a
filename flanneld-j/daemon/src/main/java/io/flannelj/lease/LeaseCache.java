package io.flannelj.lease;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import io.flannelj.net.WholeFile;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a node wrote down of its lease and its peers, so that it can serve after a restart although the store is away.
 *
 * @param location of the store that this came from
 * @param savedAt when it was last true
 * @param config the network config document
 * @param own our lease
 * @param peers the others'
 * @param revision of the store
 */
public record LeaseCache(
        String location, Instant savedAt, String config, StoredLease own, List<Lease> peers, long revision) {
    private static final Logger log = LoggerFactory.getLogger(LeaseCache.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long FARTHEST_SECONDS = 1L << 40; // thirty thousand years

    public LeaseCache {
        peers = List.copyOf(peers);
    }

    /** Whether our lease was still good at that time. */
    public boolean isUsableAt(Instant now) {
        Instant end = own.lease().expiresAt();
        return end == null || now.isBefore(end);
    }

    /**
     * What a file says.
     *
     * @param at when it was written
     */
    public record Written(LeaseCache cache, Moment at) {
        /** The same by the clock of this process; empty when nobody knows how much of the lease is left. */
        Optional<LeaseCache> asOf(Moment now) {
            return now.since(at)
                    .map(passed -> cache.shifted(
                            Duration.between(at.instant(), now.instant().minus(passed))));
        }
    }

    /**
     * Reads the file; empty when there is none, when it is of another store, when it is damaged, or when the machine was
     * started anew since and cannot tell for how long it was off.
     */
    public static Optional<LeaseCache> read(Path file, String location, Moment now) {
        Optional<Written> written =
                read(file).filter(saved -> saved.cache().location().equals(location));
        Optional<LeaseCache> usable = written.flatMap(saved -> saved.asOf(now));
        if (written.isPresent() && usable.isEmpty()) {
            log.info(
                    "{} of {} cannot stand for the store: the machine was started anew since, and its clock was not"
                            + " synchronised then or is not now, so that the lease may have ended",
                    file,
                    written.get().at().wall());
        }
        return usable;
    }

    private LeaseCache shifted(Duration by) {
        Lease lease = own.lease();
        return new LeaseCache(
                location,
                savedAt.plus(by),
                config,
                new StoredLease(lease.shifted(by), own.version(), own.storeLeaseId()),
                peers.stream().map(peer -> peer.shifted(by)).toList(),
                revision);
    }

    /** What the file says, of whatever store and time; empty when there is none or it is damaged. */
    public static Optional<Written> read(Path file) {
        try {
            JsonNode root = JSON.readTree(WholeFile.read(file));
            List<Lease> peers = new ArrayList<>();
            for (JsonNode peer : root.path("peers")) {
                peers.add(lease(peer));
            }
            JsonNode own = root.path("own");
            Instant savedAt = time(root.path("savedAt").asText());
            JsonNode clocks = root.path("clocks");
            LeaseCache cache = new LeaseCache(
                    root.path("location").asText(),
                    savedAt,
                    root.path("config").asText(),
                    new StoredLease(
                            lease(own),
                            own.path("version").asLong(),
                            own.path("storeLease").asLong()),
                    peers,
                    root.path("revision").asLong());
            Moment at = new Moment(
                    savedAt,
                    clocks.path("boot").asText(),
                    Duration.ofNanos(clocks.path("nanosSinceBoot").asLong()),
                    time(clocks.path("wall").asText(savedAt.toString())),
                    clocks.path("synchronised").asBoolean());
            return Optional.of(new Written(cache, at));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException | DateTimeParseException | IllegalArgumentException e) {
            String why = e instanceof JsonProcessingException json ? json.getOriginalMessage() : e.getMessage();
            log.warn("{} cannot be used and is left alone until it is written anew: {}", file, why);
            return Optional.empty();
        }
    }

    /**
     * Writes the file; see {@link WholeFile}.
     *
     * @param now the moment of {@link #savedAt}
     */
    public void write(Path file, Moment now) throws IOException {
        ObjectNode root = JSON.createObjectNode()
                .put("location", location)
                .put("savedAt", savedAt.toString())
                .put("config", config)
                .put("revision", revision);
        root.putObject("clocks")
                .put("boot", now.boot())
                .put("nanosSinceBoot", now.sinceBoot().toNanos())
                .put("wall", now.wall().toString())
                .put("synchronised", now.synchronised());
        root.set("own", node(own.lease()).put("version", own.version()).put("storeLease", own.storeLeaseId()));
        for (Lease peer : peers) {
            root.withArray("/peers").add(node(peer));
        }
        WholeFile.write(file, JSON.writeValueAsString(root));
    }

    private static ObjectNode node(Lease lease) throws JsonProcessingException {
        ObjectNode node = JSON.createObjectNode();
        for (IpFamily family : IpFamily.values()) {
            node.put(
                    key(family), lease.subnets().get(family).map(Cidr::toString).orElse(null));
        }
        node.set("attributes", JSON.readTree(LeaseJson.format(lease.attributes())));
        node.put(
                "expiresAt",
                lease.expiresAt() == null ? null : lease.expiresAt().toString());
        return node;
    }

    private static Lease lease(JsonNode node) {
        LeaseAttributes attributes = LeaseJson.parse(node.path("attributes").toString())
                .orElseThrow(() -> new IllegalArgumentException("no lease: " + node));
        String end = node.path("expiresAt").asText("");
        return new Lease(
                new PodSubnets(PerFamily.of(family -> cidr(node.path(key(family))))),
                attributes,
                node.path("expiresAt").isNull() ? null : time(end));
    }

    /** A time that can be reckoned with. */
    private static Instant time(String text) {
        Instant time = Instant.parse(text);
        if (Math.abs(time.getEpochSecond()) > FARTHEST_SECONDS) {
            throw new IllegalArgumentException("no time of a lease: " + text);
        }
        return time;
    }

    private static String key(IpFamily family) {
        return family == IpFamily.IPV4 ? "ipv4" : "ipv6";
    }

    private static Optional<Cidr> cidr(JsonNode node) {
        return node.isNull() || node.isMissingNode() ? Optional.empty() : Optional.of(Cidr.parse(node.asText()));
    }
}
