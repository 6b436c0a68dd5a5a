package io.flannelj.lab.bench;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.KV;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/**
 * Other nodes' leases, many and often changed. A program of its own, since it has to run in the laboratory's namespace: URL, number
 * of leases, changes a second (0: writes each once, as fast as it goes), seconds. Prints the moment of each change before it is written:
 * seconds since the epoch, a blank, the subnet.
 */
public final class LeaseWriter {
    private static final String PREFIX = "/coreos.com/network/subnets/";
    /** Whose all leases are at first. */
    static final String NODE = "192.168.100.200";

    private static final List<String> MOVED_TO = List.of("192.168.100.201", "192.168.100.202");
    private static final int IN_FLIGHT = 200;

    private LeaseWriter() {}

    public static void main(String[] arguments) {
        int count = Integer.parseInt(arguments[1]);
        int perSecond = Integer.parseInt(arguments[2]);
        int changes = perSecond == 0 ? count : perSecond * Integer.parseInt(arguments[3]);
        try (Client client = Client.builder().endpoints(arguments[0]).build()) {
            KV store = client.getKVClient();
            store.get(bytes(PREFIX)).join(); // connecting is not what is measured
            List<CompletableFuture<?>> pending = new ArrayList<>();
            long begin = System.nanoTime();
            for (int i = 0; i < changes; i++) {
                if (perSecond > 0) {
                    long due = begin + i * 1_000_000_000L / perSecond;
                    LockSupport.parkNanos(due - System.nanoTime());
                }
                int lease = i % count;
                String address = perSecond == 0 ? NODE : MOVED_TO.get(i / count % 2);
                String subnet = subnet(lease);
                Instant now = Instant.now();
                System.out.println(now.getEpochSecond() + "." + "%09d".formatted(now.getNano()) + " " + subnet + "/24");
                pending.add(store.put(
                        bytes(PREFIX + subnet + "-24"),
                        bytes("{\"PublicIP\":\"" + address + "\",\"PublicIPv6\":null,\"BackendType\":\"host-gw\"}")));
                if (pending.size() >= IN_FLIGHT) {
                    CompletableFuture.allOf(pending.toArray(new CompletableFuture<?>[0]))
                            .join();
                    pending.clear();
                }
            }
            CompletableFuture.allOf(pending.toArray(new CompletableFuture<?>[0]))
                    .join();
        }
    }

    /** Within 10.64.0.0/11, its first 256 left to real nodes. */
    private static String subnet(int lease) {
        int number = lease + 256;
        return "10." + (64 + number / 256) + "." + number % 256 + ".0";
    }

    private static ByteSequence bytes(String text) {
        return ByteSequence.from(text, StandardCharsets.UTF_8);
    }
}
