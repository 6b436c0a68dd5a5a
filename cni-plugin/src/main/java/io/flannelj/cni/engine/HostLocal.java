package io.flannelj.cni.engine;

import io.flannelj.linux.Flock;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Addresses of this node's pods, one file each, as the host-local plugin keeps them: {@code <directory>/<network>/<address>}
 * holds container and interface, {@code last_reserved_ip.0} the last one given, and {@code lock} is held while anything
 * changes. Both may share one directory.
 */
@SuppressWarnings("try") // a lock is held, not used
final class HostLocal {
    private static final String LOCK = "lock";
    private static final String LAST = "last_reserved_ip.0";

    private final Path directory;

    HostLocal(Path addressDirectory, String network) {
        this.directory = addressDirectory.resolve(network);
    }

    /**
     * Which addresses may be given.
     *
     * @param subnet the node's lease
     * @param first lowest, inclusive
     * @param last highest, inclusive
     */
    record Range(Cidr subnet, IpAddress first, IpAddress last) {
        /** The subnet's hosts, narrowed by the configuration. */
        static Range of(Cidr subnet, @Nullable IpAddress start, @Nullable IpAddress end) throws CniException {
            IpAddress first = start == null ? subnet.address().plus(1) : start;
            IpAddress last = end == null ? subnet.lastAddress().plus(-1) : end;
            if (!subnet.contains(first) || !subnet.contains(last) || first.compareTo(last) > 0) {
                throw new CniException(
                        CniException.BAD_CONFIG,
                        "ipam range " + first + " to " + last + " does not lie in this node's subnet " + subnet);
            }
            return new Range(subnet, first, last);
        }

        IpAddress after(IpAddress address) {
            return address.compareTo(last) >= 0 || address.compareTo(first) < 0 ? first : address.plus(1);
        }
    }

    /**
     * Reserves an address, the one after the last given where it is free.
     *
     * @param gateway never given
     * @param requested the only one that will do; null for any
     */
    IpAddress reserve(Attachment attachment, Range range, IpAddress gateway, @Nullable IpAddress requested)
            throws IOException, CniException {
        Files.createDirectories(directory);
        try (Flock lock = lock()) {
            Optional<IpAddress> held = held(attachment);
            if (held.isPresent()) {
                throw new CniException(
                        CniException.ATTACHED_ALREADY,
                        "container " + attachment.containerId() + " has " + attachment.ifName()
                                + " already, with address " + held.get() + "; DEL it first");
            }
            if (requested != null) {
                if (!range.subnet().contains(requested) || requested.equals(gateway) || !claim(requested, attachment)) {
                    throw new CniException(
                            CniException.OUT_OF_ADDRESSES,
                            "the requested address " + requested + " is taken or not in " + range.subnet());
                }
                return requested;
            }
            IpAddress start = range.after(lastGiven(range));
            IpAddress candidate = start;
            do {
                if (!candidate.equals(gateway) && claim(candidate, attachment)) {
                    Files.writeString(directory.resolve(LAST), candidate.toString());
                    return candidate;
                }
                candidate = range.after(candidate);
            } while (!candidate.equals(start));
            throw new CniException(
                    CniException.OUT_OF_ADDRESSES,
                    "no address is free from " + range.first() + " to " + range.last() + "; files in " + directory
                            + " of containers that are gone can be collected by GC");
        }
    }

    /** Gives back what an attachment holds; nothing when it holds nothing. */
    void release(Attachment attachment) throws IOException {
        releaseIf(owner -> owner.equals(attachment.containerId(), attachment.ifName()));
    }

    /** Gives back everything that none of these holds. */
    void releaseAllBut(List<Attachment> valid) throws IOException {
        releaseIf(owner ->
                valid.stream().noneMatch(attachment -> owner.equals(attachment.containerId(), attachment.ifName())));
    }

    /** The address that an attachment holds. */
    Optional<IpAddress> held(Attachment attachment) throws IOException {
        for (Path file : addressFiles()) {
            if (Owner.read(file).equals(attachment.containerId(), attachment.ifName())) {
                return Optional.of(IpAddress.parse(file.getFileName().toString()));
            }
        }
        return Optional.empty();
    }

    private record Owner(String containerId, String ifName) {
        static Owner read(Path file) throws IOException {
            List<String> lines =
                    Files.readString(file).lines().map(String::strip).toList();
            return new Owner(lines.isEmpty() ? "" : lines.get(0), lines.size() > 1 ? lines.get(1) : "");
        }

        /** A file in the old format names no interface, and stands for any. */
        boolean equals(String otherContainer, String otherIfName) {
            return containerId.equals(otherContainer) && (ifName.isEmpty() || ifName.equals(otherIfName));
        }
    }

    private void releaseIf(Predicate<Owner> condition) throws IOException {
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (Flock lock = lock()) {
            for (Path file : addressFiles()) {
                if (condition.test(Owner.read(file))) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    private boolean claim(IpAddress address, Attachment attachment) throws IOException {
        Path file = directory.resolve(address.toString());
        String content = attachment.containerId() + "\r\n" + attachment.ifName();
        try {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (FileAlreadyExistsException e) {
            return false;
        }
        try {
            Files.write(file, content.getBytes(StandardCharsets.UTF_8), StandardOpenOption.WRITE);
        } catch (IOException e) {
            Files.deleteIfExists(file);
            throw e;
        }
        return true;
    }

    private IpAddress lastGiven(Range range) throws IOException {
        Path file = directory.resolve(LAST);
        try {
            return Files.exists(file) ? IpAddress.parse(Files.readString(file).strip()) : range.last();
        } catch (IllegalArgumentException e) {
            return range.last(); // unreadable: begin at the beginning
        }
    }

    private List<Path> addressFiles() throws IOException {
        List<Path> files = new ArrayList<>();
        if (Files.isDirectory(directory)) {
            try (var entries = Files.newDirectoryStream(directory)) {
                for (Path entry : entries) {
                    if (isAddress(entry.getFileName().toString())) {
                        files.add(entry);
                    }
                }
            }
        }
        return files;
    }

    private static boolean isAddress(String name) {
        try {
            IpAddress.parse(name);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private Flock lock() throws IOException {
        return Flock.lock(directory.resolve(LOCK));
    }
}
