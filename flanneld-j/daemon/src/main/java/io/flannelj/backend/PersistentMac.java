package io.flannelj.backend;

import io.flannelj.net.MacAddress;
import io.flannelj.net.WholeFile;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a tunnel end's MAC address over restarts: peers, kernel ones among them, hold it in their neighbour and FDB tables, so
 * a new one would cut us off until they have all followed.
 */
public final class PersistentMac {
    private final Path file;

    /**
     * @param file holds the address as text; its folder is made when it is needed
     */
    public PersistentMac(Path file) {
        this.file = file;
    }

    /**
     * The address of an earlier start, or a new one, which is then kept.
     *
     * @param remembered the address that peers know from an earlier run; null when nobody remembers
     * @throws IOException naming the file, when it can be neither read nor written, or holds something else
     */
    public MacAddress readOrMake(@Nullable MacAddress remembered) throws IOException {
        if (remembered != null) {
            write(remembered);
            return remembered;
        }
        try {
            return MacAddress.parse(WholeFile.read(file).trim());
        } catch (NoSuchFileException e) {
            MacAddress made = MacAddress.randomLocal(new SecureRandom());
            write(made);
            return made;
        } catch (IllegalArgumentException e) {
            throw new IOException(file + " does not hold a MAC address; delete it to have a new one made", e);
        }
    }

    /** Keeps the address of a device that is taken over. */
    public void write(MacAddress mac) throws IOException {
        WholeFile.write(file, mac + "\n");
    }
}
