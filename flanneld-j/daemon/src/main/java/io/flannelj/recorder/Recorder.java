package io.flannelj.recorder;

import java.io.IOException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes down how facts change. A disk that refuses is said once and costs nothing else; what it did not take is written
 * later, as seen then. Confined to one thread, which may wait for the disk.
 */
public final class Recorder {
    private static final Logger log = LoggerFactory.getLogger(Recorder.class);

    private final EventFiles files;
    private final Clock clock;
    private Facts written = Facts.NONE;
    private boolean refused;

    public Recorder(EventFiles files, Clock clock) {
        this.files = files;
        this.clock = clock;
    }

    /** These are the facts now. */
    public void record(Facts now) {
        List<Change> changes = new ArrayList<>();
        if (written.version().isEmpty() && !now.version().isEmpty()) {
            changes.addAll(Changes.whole(now));
        } else {
            changes.addAll(Changes.between(written, now));
            if (now.version().isEmpty() && !written.version().isEmpty()) {
                changes.add(new Change.Stopped());
            }
        }
        if (changes.isEmpty()) {
            return;
        }
        try {
            files.append(events(changes, false), () -> events(Changes.whole(written), true));
            written = now;
            refused = false;
        } catch (IOException e) {
            if (!refused) {
                log.warn("events cannot be written down, so flanneld-j replay will not know of them: {}", e.toString());
                refused = true;
            }
        }
    }

    private List<Event> events(List<Change> changes, boolean repeats) {
        Instant now = clock.instant();
        return changes.stream().map(change -> new Event(now, change, repeats)).toList();
    }
}
