package io.flannelj.recorder;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Two files of events in the state directory: the one that is written, and the one before it. Each begins with all that was known,
 * so that either can be read without the other, and what is older than both is forgotten.
 */
public final class EventFiles {
    /** Of one file, in bytes, or four times what is known where that is more. */
    static final long MOST_BYTES = 4 << 20;

    private static final int WHOLE_TIMES = 4;

    private final Path file;
    private final Path former;
    private final long most;
    private long limit;
    private boolean begun;

    public EventFiles(Path stateDirectory) {
        this(stateDirectory, MOST_BYTES);
    }

    EventFiles(Path stateDirectory, long most) {
        this.file = stateDirectory.resolve("events.jsonl");
        this.former = stateDirectory.resolve("events.former.jsonl");
        this.most = most;
        this.limit = most;
    }

    /**
     * Adds events. They are on the disk when the kernel finds it right.
     *
     * @param known all that was known before them, which another file begins with when this one is full
     */
    void append(List<Event> events, Supplier<List<Event>> known) throws IOException {
        long bytes = Files.exists(file) ? Files.size(file) : 0;
        if (bytes > limit) {
            Files.move(file, former, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
            write(known.get());
            limit = Math.max(most, WHOLE_TIMES * Files.size(file));
        }
        write(events);
    }

    private void write(List<Event> events) throws IOException {
        if (!Files.exists(file)) {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        }
        StringBuilder lines = new StringBuilder(begun ? "" : "\n"); // the last line may have been cut off
        begun = true;
        events.forEach(event -> lines.append(event.line()).append('\n'));
        Files.writeString(file, lines, StandardOpenOption.APPEND);
    }

    /**
     * All events that are there, the oldest first, without those that only repeat what the file before has.
     *
     * @throws IOException when there are none, or they cannot be read
     */
    public List<Event> read() throws IOException {
        List<Event> events = new ArrayList<>();
        boolean older = readInto(former, events);
        List<Event> newer = new ArrayList<>();
        if (!readInto(file, newer) && !older) {
            throw new NoSuchFileException(file + " is not there");
        }
        newer.stream().filter(event -> !(older && event.repeats())).forEach(events::add);
        return events;
    }

    private static boolean readInto(Path from, List<Event> events) throws IOException {
        try (BufferedReader lines = Files.newBufferedReader(from)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Event.parse(line).ifPresent(events::add);
            }
            return true;
        } catch (NoSuchFileException e) {
            return false;
        }
    }
}
