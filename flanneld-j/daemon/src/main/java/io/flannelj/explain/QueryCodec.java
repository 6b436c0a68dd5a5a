package io.flannelj.explain;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.flannelj.linux.NodeStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Queries between nodes as bytes: one JSON object each way, and the end of the stream behind it. */
final class QueryCodec {
    static final int MOST_QUERY_BYTES = 32 * 1024;
    static final int MOST_ANSWER_BYTES = 64 * 1024;

    private static final ObjectMapper JSON = JsonMapper.builder().build();

    static {
        JSON.getFactory()
                .setStreamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(8)
                        .maxStringLength(MOST_QUERY_BYTES)
                        .build());
    }

    private QueryCodec() {}

    static byte[] bytes(Object value) {
        try {
            return JSON.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // records of plain values can always be written
        }
    }

    /**
     * Reads one object.
     *
     * @throws EOFException when the other end closes without having sent anything
     * @throws IOException when it is none, or the other end keeps us waiting
     */
    static <T> T read(NodeStream stream, int mostBytes, Class<T> type) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (byte[] part = stream.receive(); part.length > 0; part = stream.receive()) {
            bytes.writeBytes(part);
            if (bytes.size() > mostBytes) {
                throw new IOException("more than " + mostBytes + " bytes came");
            }
        }
        if (bytes.size() == 0) {
            throw new EOFException("closed before anything came");
        }
        T read = JSON.readValue(bytes.toString(StandardCharsets.UTF_8), type);
        if (read == null) {
            throw new IOException("nothing came");
        }
        return read;
    }
}
