package io.flannelj.cni.engine;

import io.flannelj.net.WholeFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Where attachments are kept: the usual place, and those that configurations named. The latter are written down, where there is a
 * place for that: after a restart pods are there, and no call that names their directory may come for a long time.
 */
final class StateDirectories {
    private static final int MOST = 64;

    private final @Nullable Path register;
    private volatile Set<Path> known = Set.of(NetConf.STATE_DIRECTORY);

    /**
     * @param register file, which need not be there; null for none
     */
    StateDirectories(@Nullable Path register) {
        this.register = register;
        if (register != null) {
            read(register).stream().limit(MOST).forEach(this::remember);
        }
    }

    private static List<Path> read(Path register) {
        try {
            return Files.readAllLines(register).stream()
                    .filter(line -> !line.isBlank())
                    .map(Path::of)
                    .filter(Path::isAbsolute)
                    .filter(Files::isDirectory)
                    .toList();
        } catch (IOException | UncheckedIOException | InvalidPathException e) {
            return List.of(); // absent or damaged: calls name them again
        }
    }

    private synchronized boolean remember(Path directory) {
        if (known.contains(directory) || known.size() > MOST) {
            return false;
        }
        Set<Path> more = new TreeSet<>(known);
        more.add(directory);
        known = Set.copyOf(more);
        return true;
    }

    /** A call names a directory. */
    void add(Path directory) {
        Path file = register;
        if (!remember(directory) || file == null) {
            return;
        }
        try {
            WholeFile.write(
                    file, known.stream().map(Path::toString).sorted().collect(Collectors.joining("\n", "", "\n")));
        } catch (IOException e) {
            return; // it is known until the next restart
        }
    }

    Set<Path> all() {
        return known;
    }
}
