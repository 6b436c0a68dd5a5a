package io.flannelj.cni.engine;

import io.flannelj.net.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * No network namespace outlives a reboot, but address files do. The mark tells which boot the folder was last used in.
 *
 * <p>After a reboot a file is forgotten when it is also older than the boot, since another plugin may have given addresses
 * before us. The age alone would not do: a clock that is set late makes files of this boot look old.
 */
final class BootMark {
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    private static final Path STAT = Path.of("/proc/stat");

    private static volatile @Nullable String bootId;

    private final Path mark;

    BootMark(Path directory) {
        this.mark = directory.resolve("flannel-j.boot");
    }

    /** What lies in the folder. */
    interface Listing {
        List<Path> list() throws IOException;
    }

    /** Deletes what former boots left; the caller holds the folder's lock. */
    void forgetFormerBoots(Listing addressFiles) throws IOException {
        String boot = bootId();
        String last;
        try {
            last = WholeFile.read(mark).strip();
        } catch (NoSuchFileException e) {
            last = boot;
            Files.writeString(mark, boot);
        }
        if (last.equals(boot)) {
            return;
        }
        Instant booted = bootTime();
        for (Path file : addressFiles.list()) {
            try {
                if (Files.getLastModifiedTime(file).toInstant().isBefore(booted)) {
                    Files.deleteIfExists(file);
                }
            } catch (NoSuchFileException e) {
                // gone already
            }
        }
        Files.writeString(mark, boot);
    }

    /** Asked for once: no process outlives its boot. */
    private static String bootId() throws IOException {
        String known = bootId;
        if (known == null) {
            known = Files.readString(BOOT_ID).strip();
            bootId = known;
        }
        return known;
    }

    private static Instant bootTime() throws IOException {
        for (String line : Files.readAllLines(STAT)) {
            if (line.startsWith("btime ")) {
                return Instant.EPOCH.plusMillis(TimeUnit.SECONDS.toMillis(
                        Long.parseLong(line.substring(6).strip())));
            }
        }
        return Instant.EPOCH;
    }
}
