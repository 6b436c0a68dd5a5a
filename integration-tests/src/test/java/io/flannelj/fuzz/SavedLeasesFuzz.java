package io.flannelj.fuzz;

import io.flannelj.lease.LeaseCache;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The file of saved leases: used or left alone; what is read can be written, and is read again as the same. */
public final class SavedLeasesFuzz {
    private static final Path FILE = file();

    private SavedLeasesFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        try {
            Files.write(FILE, data);
            Optional<LeaseCache.Written> saved = LeaseCache.read(FILE);
            if (saved.isPresent()) {
                saved.get().cache().peers().forEach(peer -> LeaseFuzz.check(peer.attributes()));
                saved.get().cache().write(FILE, saved.get().at());
                Promise.same(saved, LeaseCache.read(FILE), "written and read again");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path file() {
        try {
            Path folder = Files.createTempDirectory("flanneld-j-fuzz");
            Path file = folder.resolve("leases.json");
            folder.toFile().deleteOnExit(); // in reverse order
            file.toFile().deleteOnExit();
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
