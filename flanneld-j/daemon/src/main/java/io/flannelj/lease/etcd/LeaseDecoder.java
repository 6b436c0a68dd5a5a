package io.flannelj.lease.etcd;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.KeyValue;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseJson;
import io.flannelj.lease.LeaseWeight;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.Refusal;
import io.flannelj.lease.Refusal.Reason;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetKey;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Makes leases of keys and values, and remembers which keys are none. A key must be written exactly as flannel writes it:
 * two keys that mean one subnet would be two leases that take turns. For several threads.
 */
final class LeaseDecoder {
    /** Several times what any backend of flannel's or ours writes. */
    static final int LONGEST_VALUE = 4 << 10;

    private static final int LONGEST_KEY = 256;
    private static final int MOST_REMEMBERED = 10_000;

    private final String prefix;
    private final Map<String, Refusal> unreadable = new ConcurrentHashMap<>();

    /** @param prefix what keys of leases begin with, up to and with the last slash */
    LeaseDecoder(String prefix) {
        this.prefix = prefix;
    }

    /** Reads one; empty when it is no lease, which is remembered. */
    Optional<StoredLease> read(KeyValue kv) {
        String key = name(kv.getKey());
        Optional<PodSubnets> subnets = subnets(key);
        int bytes = kv.getValue().size();
        if (subnets.isEmpty()) {
            return refuse(key, Reason.UNREADABLE, "it is no key of a lease (as 10.5.7.0-24); delete it");
        }
        if (bytes > LONGEST_VALUE) {
            return refuse(key, Reason.TOO_LARGE, tooLarge(bytes + " bytes"));
        }
        LeaseAttributes attributes;
        try {
            attributes = LeaseJson.read(text(kv.getValue()));
        } catch (IllegalArgumentException e) {
            return refuse(key, Reason.UNREADABLE, "its value is no lease: " + e.getMessage() + "; mend or delete it");
        }
        unreadable.remove(key);
        Lease lease = new Lease(subnets.get(), attributes, null, new Lease.Origin(key, kv.getCreateRevision()));
        return Optional.of(new StoredLease(lease, kv.getModRevision(), kv.getLease()));
    }

    /** How much a lease counts that was read, in bytes. */
    static int weight(KeyValue kv, StoredLease lease) {
        return LeaseWeight.of(kv.getValue().size(), lease.lease().attributes());
    }

    /** A key whose value is so large that it was not even fetched. */
    void readHuge(ByteSequence key) {
        refuse(name(key), Reason.TOO_LARGE, tooLarge("more than one answer takes"));
    }

    private static String tooLarge(String size) {
        return "its value has " + size + ", more than the " + LONGEST_VALUE + " that a lease may have; delete it";
    }

    private Optional<StoredLease> refuse(String key, Reason reason, String problem) {
        if (unreadable.size() < MOST_REMEMBERED || unreadable.containsKey(key)) {
            unreadable.put(key, new Refusal(key, null, reason, problem));
        }
        return Optional.empty();
    }

    /** The subnets that a key stands for; empty when it is no lease's. */
    Optional<PodSubnets> subnets(String key) {
        return SubnetKey.parse(key).filter(subnets -> key.equals(prefix + SubnetKey.format(subnets)));
    }

    /** The key is gone. */
    void forget(String key) {
        unreadable.remove(key);
    }

    /** Whether it is remembered that the key is no lease. */
    boolean remembers(String key) {
        return unreadable.containsKey(key);
    }

    /** Of the keys that are remembered, only these are there. */
    void retain(Set<String> keys) {
        unreadable.keySet().retainAll(keys);
    }

    List<Refusal> unreadable() {
        return List.copyOf(unreadable.values());
    }

    /**
     * A key as text. Of one that is longer than any lease's, only the beginning and a digest: etcd takes keys of more than a
     * megabyte, and they are kept in memory.
     */
    static String name(ByteSequence key) {
        if (key.size() <= LONGEST_KEY) {
            return text(key);
        }
        byte[] bytes = key.getBytes();
        String begin = new String(bytes, 0, LONGEST_KEY, StandardCharsets.UTF_8);
        return begin + "… (" + bytes.length + " bytes, " + UUID.nameUUIDFromBytes(bytes) + ")";
    }

    static String text(ByteSequence bytes) {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
