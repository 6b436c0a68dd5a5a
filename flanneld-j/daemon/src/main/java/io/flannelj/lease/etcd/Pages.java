package io.flannelj.lease.etcd;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.KeyValue;
import io.etcd.jetcd.kv.GetResponse;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.OptionsUtil;
import io.flannelj.lease.StoreException;
import java.util.function.Consumer;

/**
 * Reads everything under a prefix, in pages that all show one revision. An answer of more than 4 MiB is refused by gRPC;
 * then smaller pages are asked for, down to a single key, and a value that does not fit even so is named and left out.
 */
final class Pages {
    private static final int LARGEST = 1000;
    private static final int SHRINK = 8;
    private static final ByteSequence ZERO = ByteSequence.from(new byte[1]);

    private final Get get;

    /** One read of etcd. */
    interface Get {
        GetResponse get(ByteSequence from, GetOption option) throws StoreException, TooLargeException;
    }

    /** The answer has more bytes than gRPC takes. */
    static final class TooLargeException extends Exception {
        private static final long serialVersionUID = 1;
    }

    Pages(Get get) {
        this.get = get;
    }

    /**
     * Reads.
     *
     * @param each told of every key, in order
     * @param huge told of each key whose value was not fetched
     * @return the revision that was read at
     */
    long read(ByteSequence prefix, Consumer<KeyValue> each, Consumer<ByteSequence> huge) throws StoreException {
        ByteSequence end = OptionsUtil.prefixEndOf(prefix);
        ByteSequence from = prefix;
        long revision = 0;
        int limit = LARGEST;
        while (true) {
            GetResponse page;
            boolean valueTooLarge = false;
            try {
                page = get.get(from, option(end, revision, limit, false));
            } catch (TooLargeException e) {
                if (limit > 1) {
                    limit = Math.max(1, limit / SHRINK);
                    continue;
                }
                page = keyOnly(from, end, revision);
                valueTooLarge = true;
            }
            revision = revision == 0 ? page.getHeader().getRevision() : revision;
            for (KeyValue kv : page.getKvs()) {
                if (valueTooLarge) {
                    huge.accept(kv.getKey());
                } else {
                    each.accept(kv);
                }
                from = kv.getKey().concat(ZERO); // the next key at the earliest
            }
            if (!page.isMore() || page.getKvs().isEmpty()) {
                return revision;
            }
            limit = Math.min(LARGEST, limit * 2);
        }
    }

    private GetResponse keyOnly(ByteSequence from, ByteSequence end, long revision) throws StoreException {
        try {
            return get.get(from, option(end, revision, 1, true));
        } catch (TooLargeException e) {
            throw new StoreException("a key in etcd is too large to be read", e);
        }
    }

    private static GetOption option(ByteSequence end, long revision, int limit, boolean keysOnly) {
        return GetOption.builder()
                .withRange(end)
                .withRevision(revision)
                .withLimit(limit)
                .withKeysOnly(keysOnly)
                .build();
    }
}
