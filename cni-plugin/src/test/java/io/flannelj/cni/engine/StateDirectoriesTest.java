package io.flannelj.cni.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where attachments are kept is known after a restart, too. */
class StateDirectoriesTest {
    @TempDir
    Path directory;

    @Test
    void whatCallsNamedIsKnownAfterARestart() throws IOException {
        Path register = directory.resolve("cni-directories");
        Path own = Files.createDirectory(directory.resolve("own"));
        Path gone = directory.resolve("gone");
        StateDirectories before = new StateDirectories(register);
        before.add(own);
        before.add(gone);
        assertThat(before.all()).containsExactlyInAnyOrder(NetConf.STATE_DIRECTORY, own, gone);
        assertThat(new StateDirectories(register).all())
                .as("of those that are there")
                .containsExactlyInAnyOrder(NetConf.STATE_DIRECTORY, own);
        assertThat(new StateDirectories(null).all()).containsExactly(NetConf.STATE_DIRECTORY);
    }

    @Test
    void aDamagedFileSaysNothing() throws IOException {
        Path register = directory.resolve("cni-directories");
        Files.write(register, new byte[] {'/', (byte) 0xff, (byte) 0xfe, '\n', 0, '\n'});
        assertThat(new StateDirectories(register).all()).containsExactly(NetConf.STATE_DIRECTORY);
        Files.writeString(register, "relative\n\n/nowhere\n");
        assertThat(new StateDirectories(register).all()).containsExactly(NetConf.STATE_DIRECTORY);
    }

    @Test
    void soManyAndNoMore() {
        StateDirectories directories = new StateDirectories(null);
        for (int i = 0; i < 1000; i++) {
            directories.add(Path.of("/d" + i));
        }
        assertThat(directories.all()).hasSizeLessThan(100);
    }
}
