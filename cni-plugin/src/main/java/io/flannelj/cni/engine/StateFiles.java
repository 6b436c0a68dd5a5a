package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.net.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The delegate's configuration of each attachment, as it was when it was wired, so that DEL takes away just that. One file
 * each, {@code <containerID>:<ifname>}; flannel's own, which are called by the container alone, are read, too.
 *
 * <p>Not synced to disk: no pod outlives a crash of the machine, and a damaged file counts as none.
 */
final class StateFiles {
    private final Path directory;

    StateFiles(Path directory) {
        this.directory = directory;
    }

    /** Waits until no other call about the attachment is under way. */
    AttachmentLock lock(Attachment attachment) throws IOException {
        createDirectory();
        return AttachmentLock.take(directory.resolve("." + own(attachment).getFileName() + ".lock"));
    }

    /** Whether anything was ever kept here. */
    boolean areThere() {
        return Files.isDirectory(directory);
    }

    private void createDirectory() throws IOException {
        if (!Files.isDirectory(directory)) {
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        }
    }

    void write(Attachment attachment, ObjectNode delegate) throws IOException {
        createDirectory();
        Path draft = draft(attachment);
        try {
            PrivateFiles.replace(draft, delegate.toString());
            Files.move(draft, own(attachment), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            Files.deleteIfExists(draft);
            throw e;
        }
    }

    /** What was written; nothing when it is missing or damaged. */
    Optional<ObjectNode> read(Attachment attachment) throws IOException {
        Optional<ObjectNode> own = read(own(attachment));
        return own.isPresent() ? own : read(flannels(attachment));
    }

    /** The same of our own file alone. */
    Optional<ObjectNode> readOwn(Attachment attachment) throws IOException {
        return read(own(attachment));
    }

    /** Puts back what {@link #readOwn} gave before something else was written. */
    void restore(Attachment attachment, Optional<ObjectNode> before) throws IOException {
        if (before.isPresent()) {
            write(attachment, before.get());
        } else {
            Files.deleteIfExists(own(attachment));
        }
    }

    /** Forgets an attachment; flannel's file only where there is none of ours. */
    void delete(Attachment attachment) throws IOException {
        Files.deleteIfExists(draft(attachment));
        if (!Files.deleteIfExists(own(attachment))) {
            Files.deleteIfExists(flannels(attachment));
        }
    }

    /** Attachments with a file of ours. */
    List<Attachment> list() throws IOException {
        List<Attachment> found = new ArrayList<>();
        if (Files.isDirectory(directory)) {
            try (var entries = Files.newDirectoryStream(directory)) {
                for (Path entry : entries) {
                    String name = entry.getFileName().toString();
                    int colon = name.indexOf(':');
                    if (colon > 0 && !name.startsWith(".")) {
                        found.add(new Attachment(name.substring(0, colon), name.substring(colon + 1), ""));
                    }
                }
            }
        }
        return found;
    }

    private static Optional<ObjectNode> read(Path file) throws IOException {
        try {
            return Optional.of(Json.object(WholeFile.read(file), file.toString()));
        } catch (NoSuchFileException | CniException e) {
            return Optional.empty();
        }
    }

    /** Neither part can hold a colon. */
    private Path own(Attachment attachment) {
        return directory.resolve(attachment.containerId() + ":" + attachment.ifName());
    }

    /** What a life that ended in the middle of writing leaves. */
    private Path draft(Attachment attachment) {
        return directory.resolve("." + own(attachment).getFileName() + ".draft");
    }

    private Path flannels(Attachment attachment) {
        return directory.resolve(attachment.containerId());
    }
}
