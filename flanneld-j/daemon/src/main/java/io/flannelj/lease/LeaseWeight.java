package io.flannelj.lease;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * How much a lease counts: the bytes of its value, or a fifth of the memory that it takes once read, where that is more. Two
 * bytes of brackets take a hundred.
 */
public final class LeaseWeight {
    /** In bytes, of a byte of what backends write. */
    private static final int USUAL_MEMORY = 5;

    /** The node with its LinkedHashMap or ArrayList, in 64-bit Java with short references. */
    private static final int CONTAINER_BYTES = 80;

    /** What the map or the list has once anything is in it. */
    private static final int TABLE_BYTES = 80;

    private static final int ENTRY_BYTES = 40;
    private static final int TEXT_BYTES = 72;
    private static final int NUMBER_BYTES = 24;

    private LeaseWeight() {}

    /**
     * Weighs, in bytes.
     *
     * @param valueBytes length of its value
     */
    public static int of(int valueBytes, LeaseAttributes attributes) {
        int memory = attributes.backendData().values().stream()
                .mapToInt(LeaseWeight::memoryBytes)
                .sum();
        return Math.max(valueBytes, memory / USUAL_MEMORY);
    }

    /** What a tree takes, roughly; the characters of texts aside, of which there are no more than the value has bytes. */
    private static int memoryBytes(JsonNode node) {
        if (!node.isContainerNode()) {
            return node.isTextual() ? TEXT_BYTES : NUMBER_BYTES;
        }
        int bytes = CONTAINER_BYTES + (node.isEmpty() ? 0 : TABLE_BYTES) + node.size() * ENTRY_BYTES;
        for (JsonNode child : node) {
            bytes += memoryBytes(child);
        }
        return bytes;
    }
}
