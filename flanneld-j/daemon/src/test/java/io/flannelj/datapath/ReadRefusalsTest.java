package io.flannelj.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.linux.Errno;
import org.junit.jupiter.api.Test;

class ReadRefusalsTest {
    private static final long SECOND = 1_000_000_000L;

    private final ReadRefusals refusals = new ReadRefusals();

    @Test
    void aDeletedDeviceIsLostAtOnce() {
        refusals.refused(Errno.EBADFD, 7);
        assertThat(refusals.lostWith()).isEqualTo(Errno.EBADFD);
    }

    @Test
    void aRefusalThatPassesIsForgotten() {
        refusals.refused(Errno.EIO, 0);
        refusals.refused(Errno.EIO, SECOND);
        assertThat(refusals.isRefusing()).isTrue();
        refusals.answered();
        assertThat(refusals.isRefusing()).isFalse();
        refusals.refused(Errno.EIO, 5 * SECOND);
        assertThat(refusals.lostWith()).isZero();
    }

    @Test
    void aRefusalThatLastsLosesTheDevice() {
        refusals.refused(Errno.EIO, -SECOND);
        refusals.refused(Errno.EIO, 0);
        assertThat(refusals.lostWith()).isZero();
        refusals.refused(Errno.ENOBUFS, 1);
        assertThat(refusals.lostWith()).isEqualTo(Errno.ENOBUFS);
    }
}
