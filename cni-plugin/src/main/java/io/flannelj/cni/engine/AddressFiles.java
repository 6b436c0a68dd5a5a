package io.flannelj.cni.engine;

import io.flannelj.linux.Flock;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.WholeFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Addresses of this node's pods, one file each, as the host-local plugin keeps them: {@code <directory>/<address>} holds
 * container and interface, {@code last_reserved_ip.<set>} the last one given of a set of ranges, and {@code lock} is held
 * while anything changes. Both may share one directory.
 */
@SuppressWarnings("try") // a lock is held, not used
final class AddressFiles {
    private static final String LOCK = "lock";
    private static final String LAST = "last_reserved_ip.";

    private final Path directory;

    AddressFiles(Path directory) {
        this.directory = directory;
    }

    /**
     * Reserves an address out of each set, the one after the last given where it is free; all of them or none.
     *
     * @param requested those that will do for their sets; each must belong to one
     */
    List<Ipam.Ip> reserve(Attachment attachment, List<List<AddressRange>> sets, List<IpAddress> requested)
            throws IOException, CniException {
        Files.createDirectories(directory);
        try (Flock lock = lock()) {
            new BootMark(directory).forgetFormerBoots(this::addressFiles);
            List<IpAddress> held = held(attachment);
            if (!held.isEmpty()) {
                throw new CniException(
                        CniException.ATTACHED_ALREADY,
                        "container " + attachment.containerId() + " has " + attachment.ifName()
                                + " already, with address " + held.get(0) + "; DEL it first");
            }
            List<IpAddress> open = new ArrayList<>(requested);
            List<Ipam.Ip> given = new ArrayList<>();
            try {
                for (int i = 0; i < sets.size(); i++) {
                    List<AddressRange> set = sets.get(i);
                    IpAddress wanted = open.stream()
                            .filter(address -> set.stream().anyMatch(range -> range.contains(address)))
                            .findFirst()
                            .orElse(null);
                    open.remove(wanted);
                    given.add(wanted == null ? next(attachment, set, i) : exactly(attachment, set, wanted));
                }
                if (!open.isEmpty()) {
                    throw new CniException(
                            CniException.OUT_OF_ADDRESSES,
                            "the requested address " + open.get(0) + " is not in " + sets
                                    + ", or more than one is asked of a range");
                }
                return given;
            } catch (IOException | CniException e) {
                for (Ipam.Ip ip : given) {
                    Files.deleteIfExists(file(ip.address().address()));
                }
                throw e;
            }
        }
    }

    private Ipam.Ip exactly(Attachment attachment, List<AddressRange> set, IpAddress wanted)
            throws IOException, CniException {
        for (AddressRange range : set) {
            if (range.contains(wanted) && !wanted.equals(range.gateway()) && claim(wanted, attachment)) {
                return ip(range, wanted);
            }
        }
        throw new CniException(CniException.OUT_OF_ADDRESSES, "the requested address " + wanted + " is taken");
    }

    private Ipam.Ip next(Attachment attachment, List<AddressRange> set, int number) throws IOException, CniException {
        IpAddress last = lastGiven(number);
        int at = 0;
        IpAddress candidate = set.get(0).first();
        for (int i = 0; i < set.size(); i++) {
            if (last != null && set.get(i).contains(last)) {
                at = last.equals(set.get(i).last()) ? (i + 1) % set.size() : i;
                candidate = at == i && !last.equals(set.get(i).last())
                        ? last.plus(1)
                        : set.get(at).first();
            }
        }
        IpAddress start = candidate;
        do {
            AddressRange range = set.get(at);
            if (!candidate.equals(range.gateway()) && claim(candidate, attachment)) {
                remember(number, candidate);
                return ip(range, candidate);
            }
            if (candidate.equals(range.last())) {
                at = (at + 1) % set.size();
                candidate = set.get(at).first();
            } else {
                candidate = candidate.plus(1);
            }
        } while (!candidate.equals(start));
        throw new CniException(
                CniException.OUT_OF_ADDRESSES,
                "no address is free in " + set + "; files in " + directory
                        + " of containers that are gone can be collected by GC");
    }

    private static Ipam.Ip ip(AddressRange range, IpAddress address) {
        return new Ipam.Ip(new Cidr(address, range.subnet().length()), range.gateway());
    }

    /** Gives back what an attachment holds; nothing when it holds nothing. */
    void release(Attachment attachment) throws IOException {
        releaseIf(owner -> owner.is(attachment));
    }

    /** Gives back everything that none of these holds. */
    void releaseAllBut(List<Attachment> valid) throws IOException {
        releaseIf(owner -> valid.stream().noneMatch(owner::is));
    }

    /** The addresses that an attachment holds. */
    List<IpAddress> held(Attachment attachment) throws IOException {
        List<IpAddress> held = new ArrayList<>();
        for (Path file : addressFiles()) {
            if (Owner.read(file).is(attachment)) {
                held.add(IpAddress.parse(file.getFileName().toString()));
            }
        }
        return held;
    }

    /** Whether a set has an address left to give. */
    boolean hasFree(List<AddressRange> set) throws IOException {
        List<String> taken = addressFiles().stream()
                .map(file -> file.getFileName().toString())
                .toList();
        for (AddressRange range : set) {
            long tries = taken.size() + 2L; // some address among so many must be free, if the range is that long
            IpAddress candidate = range.first();
            for (long i = 0; i < tries; i++) {
                if (!candidate.equals(range.gateway()) && !taken.contains(candidate.toString())) {
                    return true;
                }
                if (candidate.equals(range.last())) {
                    break;
                }
                candidate = candidate.plus(1);
            }
        }
        return false;
    }

    private record Owner(String containerId, String ifName) {
        static Owner read(Path file) throws IOException {
            try {
                List<String> lines =
                        WholeFile.read(file).lines().map(String::strip).toList();
                return new Owner(lines.isEmpty() ? "" : lines.get(0), lines.size() > 1 ? lines.get(1) : "");
            } catch (NoSuchFileException e) {
                return new Owner("", ""); // given back by another program a moment ago
            }
        }

        /** A file in the old format names no interface, and stands for any. */
        boolean is(Attachment attachment) {
            return containerId.equals(attachment.containerId())
                    && (ifName.isEmpty() || ifName.equals(attachment.ifName()));
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
        Path file = file(address);
        String content = attachment.containerId() + "\r\n" + attachment.ifName();
        try {
            PrivateFiles.create(file, content);
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        } catch (IOException e) {
            Files.deleteIfExists(file);
            throw e;
        }
    }

    private Path file(IpAddress address) {
        return directory.resolve(address.toString());
    }

    private @Nullable IpAddress lastGiven(int set) throws IOException {
        try {
            return IpAddress.parse(WholeFile.read(directory.resolve(LAST + set)).strip());
        } catch (NoSuchFileException e) {
            return null;
        } catch (IllegalArgumentException e) {
            return null; // unreadable: begin at the beginning
        }
    }

    /**
     * Written in place: ext4 puts a file that was cut to nothing on disk when it is closed, which takes longer than a pod's
     * links.
     */
    private void remember(int set, IpAddress given) throws IOException {
        byte[] text = given.toString().getBytes(StandardCharsets.US_ASCII);
        try (FileChannel file =
                FileChannel.open(directory.resolve(LAST + set), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(text), 0);
            if (file.size() > text.length) {
                file.truncate(text.length);
            }
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
        if (name.isEmpty() || Character.digit(name.charAt(0), 16) < 0) {
            return false; // most other names, without the price of an exception
        }
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
