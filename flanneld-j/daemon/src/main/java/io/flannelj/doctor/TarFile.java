package io.flannelj.doctor;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPOutputStream;

/** Writes texts as one tar.gz (POSIX.1-1988 ustar). */
final class TarFile {
    private static final int BLOCK = 512;

    private TarFile() {}

    /**
     * Writes the archive, readable by its owner alone.
     *
     * @param directory that all files are in
     * @param files texts by name
     * @throws IOException when it is there already, or cannot be written
     */
    static void write(Path archive, String directory, Map<String, String> files, Instant time) throws IOException {
        FileAttribute<?> ownersAlone =
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        Set<StandardOpenOption> fresh = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try (OutputStream out =
                new GZIPOutputStream(Channels.newOutputStream(Files.newByteChannel(archive, fresh, ownersAlone)))) {
            for (Map.Entry<String, String> file : files.entrySet()) {
                byte[] content = file.getValue().getBytes(StandardCharsets.UTF_8);
                out.write(header(directory + "/" + file.getKey(), content.length, time));
                out.write(content);
                out.write(new byte[(BLOCK - content.length % BLOCK) % BLOCK]);
            }
            out.write(new byte[2 * BLOCK]);
        }
    }

    private static byte[] header(String name, int bytes, Instant time) {
        ByteArrayOutputStream header = new ByteArrayOutputStream(BLOCK);
        field(header, name, 100);
        field(header, "0000600", 8);
        field(header, "0000000", 8);
        field(header, "0000000", 8);
        field(header, String.format(Locale.ROOT, "%011o", bytes), 12);
        field(header, String.format(Locale.ROOT, "%011o", time.getEpochSecond()), 12);
        field(header, "        ", 8); // the sum counts itself as blanks
        field(header, "0", 1);
        field(header, "", 100);
        field(header, "ustar", 6);
        field(header, "00", 2);
        byte[] block = new byte[BLOCK];
        System.arraycopy(header.toByteArray(), 0, block, 0, header.size());
        int sum = 0;
        for (byte value : block) {
            sum += value & 0xff;
        }
        byte[] text = String.format(Locale.ROOT, "%06o\0 ", sum).getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(text, 0, block, 148, text.length);
        return block;
    }

    private static void field(ByteArrayOutputStream header, String text, int bytes) {
        byte[] content = text.getBytes(StandardCharsets.UTF_8);
        header.write(content, 0, Math.min(content.length, bytes));
        header.writeBytes(new byte[Math.max(0, bytes - content.length)]);
    }
}
