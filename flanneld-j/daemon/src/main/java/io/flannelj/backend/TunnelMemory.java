package io.flannelj.backend;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.config.BackendConfig;
import io.flannelj.lease.Lease;
import io.flannelj.net.WholeFile;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which tunnels the network config asked for on this node, kept in a file over restarts: that of the config in force, and
 * earlier ones with the peers that were reached by them. No lease adds to it, so a tunnel that stands here may be opened
 * beside the config's own, and no other.
 */
final class TunnelMemory {
    private static final Logger log = LoggerFactory.getLogger(TunnelMemory.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path file;
    private final Executor disk;
    private final Map<String, Earlier> earlier = new LinkedHashMap<>();
    private @Nullable BackendConfig current;

    /** Owned by the disk's thread. */
    private boolean refused;

    /**
     * A tunnel that an earlier network config asked for.
     *
     * @param backend its options
     * @param peers those that were reached by it when the config changed, by {@link #name}
     */
    record Earlier(BackendConfig backend, Set<String> peers) {}

    private TunnelMemory(Path file, Executor disk) {
        this.file = file;
        this.disk = disk;
    }

    /**
     * Reads what was written before; what cannot be read is said, and counts as nothing. Waits for the disk.
     *
     * @param disk does one thing after the other
     */
    static TunnelMemory read(Path stateDirectory, Executor disk) {
        return CompletableFuture.supplyAsync(() -> readNow(stateDirectory.resolve("tunnels.json"), disk), disk)
                .join();
    }

    private static TunnelMemory readNow(Path file, Executor disk) {
        TunnelMemory memory = new TunnelMemory(file, disk);
        try {
            JsonNode root = JSON.readTree(WholeFile.read(memory.file));
            memory.current = BackendConfig.parse(root.path("current")).orElse(null);
            for (JsonNode one : root.path("earlier")) {
                Set<String> peers = new TreeSet<>();
                one.path("peers").forEach(peer -> peers.add(peer.asText()));
                BackendConfig.parse(one.path("backend"))
                        .ifPresent(backend -> memory.earlier.put(backend.type(), new Earlier(backend, peers)));
            }
        } catch (NoSuchFileException e) {
            return memory;
        } catch (IOException e) {
            log.warn(
                    "{} cannot be read: {}; peers of an earlier encapsulation are not reached",
                    memory.file,
                    e.toString());
        }
        return memory;
    }

    /** How a peer is known here: by subnets and address. */
    static String name(Lease peer) {
        return peer.subnets() + " of " + peer.attributes().publicAddress();
    }

    /** The tunnel of the network config that was last in force; empty at the first start. */
    Optional<BackendConfig> current() {
        return Optional.ofNullable(current);
    }

    /** Earlier ones by type. */
    Map<String, Earlier> earlier() {
        return Map.copyOf(earlier);
    }

    /**
     * Takes note that another network config is in force.
     *
     * @param reached peers that only the tunnel until now reaches
     */
    void change(BackendConfig now, Set<String> reached) {
        BackendConfig before = current;
        if (now.equals(before)) {
            return;
        }
        if (before != null && !before.type().equals(now.type()) && !reached.isEmpty()) {
            earlier.put(before.type(), new Earlier(before, Set.copyOf(reached)));
        }
        earlier.remove(now.type());
        current = now;
        write();
    }

    /** Takes note that no peer needs a tunnel any more. */
    void forget(String type) {
        if (earlier.remove(type) != null) {
            write();
        }
    }

    private void write() {
        ObjectNode root = JSON.createObjectNode();
        if (current != null) {
            root.set("current", current.toJson());
        }
        for (Earlier one : earlier.values()) {
            ObjectNode entry = root.withArray("/earlier").addObject();
            entry.set("backend", one.backend().toJson());
            one.peers().forEach(entry.withArray("/peers")::add);
        }
        String text = root.toString();
        disk.execute(() -> write(text));
    }

    private void write(String text) {
        try {
            WholeFile.write(file, text);
            refused = false;
        } catch (IOException e) {
            if (!refused) {
                log.warn("{} cannot be written, so a restart forgets earlier encapsulations: {}", file, e.toString());
                refused = true;
            }
        }
    }
}
