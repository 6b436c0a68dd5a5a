package io.flannelj.backend.extension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.backend.PodDestinations;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** With commands that note what they are told, in a pipe. The first one waits until a file is there. */
@Timeout(value = 1, unit = TimeUnit.MINUTES)
class ExtensionBackendTest {
    private static final PodDestinations DESTINATIONS = PodDestinations.of(
            PerFamily.of(IpFamily.IPV4, Cidr.parse("10.5.0.0/16")), PodSubnets.of(Cidr.parse("10.5.1.0/24")));

    @TempDir
    Path directory;

    private final BlockingQueue<String> noted = new LinkedBlockingQueue<>();
    private RandomAccessFile pipe;
    private Path notes;
    private Path go;
    private ExtensionBackend backend;

    @BeforeEach
    void open() throws Exception {
        notes = directory.resolve("notes");
        assertThat(new ProcessBuilder("mkfifo", notes.toString()).start().waitFor())
                .isZero();
        pipe = new RandomAccessFile(notes.toFile(), "rw"); // for writing, too, so that it has no end
        Thread reader = new Thread(this::read);
        reader.setDaemon(true);
        reader.start();
        go = directory.resolve("go");
        Path add = script("add", "echo add $SUBNET >>" + notes + "; while [ ! -e " + go + " ]; do sleep 0.05; done");
        Path remove = script("remove", "echo remove $SUBNET >>" + notes);
        backend = new ExtensionBackend(
                DESTINATIONS,
                new ExtensionCommand("SubnetAddCommand", add.toString()),
                new ExtensionCommand("SubnetRemoveCommand", remove.toString()),
                1450);
    }

    @AfterEach
    void close() throws IOException {
        if (!Files.exists(go)) {
            Files.createFile(go);
        }
        backend.close();
        pipe.write("end\n".getBytes(StandardCharsets.UTF_8));
    }

    private void read() {
        try (RandomAccessFile from = pipe) {
            for (String line = from.readLine(); !line.equals("end"); line = from.readLine()) {
                noted.add(line);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As when the lease ends while commands for the peers of before are running. */
    @Test
    void slowCommandsAreNotWaitedForAndNewerPeersEndTheirTurn() throws Exception {
        backend.apply(List.of(peer(2), peer(3)));
        await("add 10.5.2.0/24");
        backend.fence();
        Files.createFile(go);
        await("remove 10.5.2.0/24");
        backend.apply(List.of(peer(3)));
        await("add 10.5.3.0/24");
    }

    @Test
    void aFailedCommandIsToldAndRunAgain() throws Exception {
        Files.createFile(go);
        Path broken = script("broken", "exit 3");
        ExtensionBackend failing = new ExtensionBackend(
                DESTINATIONS,
                new ExtensionCommand("SubnetAddCommand", broken.toString()),
                new ExtensionCommand("SubnetRemoveCommand", ""),
                1450);
        assertThatThrownBy(() -> applyUntilNoted(failing)).hasMessageContaining("ended with status 3");
        script("broken", "echo added >>" + notes);
        try {
            applyUntilNoted(failing);
        } catch (IOException e) {
            applyUntilNoted(failing); // that was the failure of before
        }
        await("added");
        failing.close();
    }

    private void applyUntilNoted(ExtensionBackend backend) throws IOException {
        while (noted.isEmpty()) {
            backend.apply(List.of(peer(2)));
        }
    }

    private Path script(String name, String text) throws IOException {
        Path script = directory.resolve(name);
        Files.writeString(script, "#!/bin/sh\n" + text + "\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();
        return script;
    }

    private void await(String line) throws InterruptedException {
        assertThat(noted.take()).isEqualTo(line);
        assertThat(noted).isEmpty();
    }

    private static Lease peer(int node) {
        return new Lease(
                PodSubnets.of(Cidr.parse("10.5." + node + ".0/24")),
                LeaseAttributes.ofIpv4(IpAddress.parse("192.168.0." + node), "extension", null),
                null);
    }
}
