package io.flannelj.lease.etcd;

import io.etcd.jetcd.KeyValue;
import io.etcd.jetcd.Watch;
import io.etcd.jetcd.options.WatchOption;
import io.etcd.jetcd.watch.WatchEvent;
import io.etcd.jetcd.watch.WatchResponse;
import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetManager;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Two watches of etcd as one: of the leases, and of the network config. It ends once, for whichever reason comes first. Events come
 * on jetcd's threads.
 */
final class EtcdWatch {
    private static final Logger log = LoggerFactory.getLogger(EtcdWatch.class);

    private final Watch client;
    private final String subnetsPrefix;
    private final String configKey;
    private final LeaseDecoder decoder;
    private final OldestLeases oldest;
    private final Revisions revisions;
    private final AtomicBoolean ended = new AtomicBoolean();

    /** Keys that were asked for progress and have said nothing since. */
    private final Set<String> silent = ConcurrentHashMap.newKeySet();

    EtcdWatch(
            Watch client,
            String subnetsPrefix,
            String configKey,
            LeaseDecoder decoder,
            OldestLeases oldest,
            Revisions revisions) {
        this.client = client;
        this.subnetsPrefix = subnetsPrefix;
        this.configKey = configKey;
        this.decoder = decoder;
        this.oldest = oldest;
        this.revisions = revisions;
    }

    SubnetManager.Watch start(long fromRevision, Consumer<LeaseEvent> onEvent, Consumer<String> onEnd) {
        Consumer<String> endOnce = reason -> {
            if (ended.compareAndSet(false, true)) {
                onEnd.accept(reason);
            }
        };
        Watch.Watcher leases = watch(
                subnetsPrefix,
                option(fromRevision).isPrefix(true).build(),
                response -> deliver(response, onEvent),
                onEvent,
                endOnce);
        Watch.Watcher config = watch(
                configKey,
                option(fromRevision).build(),
                response -> deliverConfig(response, onEvent),
                onEvent,
                endOnce);
        return new SubnetManager.Watch() {
            @Override
            public boolean requestProgress() {
                silent.addAll(List.of(subnetsPrefix, configKey));
                leases.requestProgress();
                config.requestProgress();
                return true; // etcd 3.4 and later
            }

            @Override
            public void close() {
                leases.close();
                config.close();
            }
        };
    }

    private static WatchOption.Builder option(long fromRevision) {
        return WatchOption.builder()
                .withRevision(fromRevision)
                .withRequireLeader(true)
                .withProgressNotify(true);
    }

    /** jetcd swallows what a listener throws: the watch would go on without the event. */
    private Watch.Watcher watch(
            String key,
            WatchOption option,
            Consumer<WatchResponse> delivery,
            Consumer<LeaseEvent> onEvent,
            Consumer<String> onEnd) {
        return client.watch(
                EtcdConnection.bytes(key),
                option,
                response -> {
                    try {
                        delivery.accept(response);
                        if (silent.remove(key) && silent.isEmpty()) {
                            onEvent.accept(new LeaseEvent.Progress());
                        }
                    } catch (RuntimeException | Error e) {
                        log.error("an event could not be read: {}; listing again", e.toString(), e);
                        onEnd.accept(e.toString());
                    }
                },
                error -> onEnd.accept(String.valueOf(error.getMessage())),
                () -> onEnd.accept("completed"));
    }

    /** One without events is a progress notice: all changes up to its revision were told. */
    private void follow(WatchResponse response) {
        long revision = response.getHeader().getRevision();
        revisions.shown(revision);
        revisions.watched(response.getEvents().stream()
                .mapToLong(event -> event.getKeyValue().getModRevision())
                .max()
                .orElse(revision));
    }

    private static void deliverConfig(WatchResponse response, Consumer<LeaseEvent> onEvent) {
        for (WatchEvent event : response.getEvents()) {
            if (event.getEventType() == WatchEvent.EventType.PUT) {
                onEvent.accept(new LeaseEvent.ConfigWritten(
                        LeaseDecoder.text(event.getKeyValue().getValue())));
            }
        }
    }

    private void deliver(WatchResponse response, Consumer<LeaseEvent> onEvent) {
        follow(response);
        for (WatchEvent event : response.getEvents()) {
            KeyValue kv = event.getKeyValue();
            String key = LeaseDecoder.name(kv.getKey());
            Optional<StoredLease> stored = Optional.empty();
            if (event.getEventType() == WatchEvent.EventType.DELETE) {
                decoder.forget(key);
                oldest.forget(key);
            } else if (event.getEventType() == WatchEvent.EventType.PUT) {
                stored = decoder.read(kv).filter(lease -> oldest.take(key, LeaseDecoder.weight(kv, lease)));
            }
            // What cannot be read any more is no lease any more.
            if (stored.isPresent()) {
                onEvent.accept(new LeaseEvent.Added(stored.get().lease()));
            } else {
                decoder.subnets(key).ifPresent(subnets -> onEvent.accept(new LeaseEvent.Removed(subnets)));
            }
        }
    }
}
