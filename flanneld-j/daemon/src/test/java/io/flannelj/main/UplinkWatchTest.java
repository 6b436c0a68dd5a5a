package io.flannelj.main;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.backend.Uplink;
import io.flannelj.lease.loop.TaskQueue;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class UplinkWatchTest {
    private final Uplink first = uplink("192.168.100.1");
    private final List<String> told = new ArrayList<>();
    private Uplink found = first;
    private String problem = "";

    private final UplinkWatch watch = new UplinkWatch(first, this::find, new UnusedQueue(), new UplinkWatch.Listener() {
        @Override
        public void onUplinkChanged(Uplink now) {
            told.add("now " + now.addresses());
        }

        @Override
        public void onUplinkMissing(String why) {
            told.add("missing:" + why);
        }

        @Override
        public void onHostChanged() {
            told.add("repair");
        }
    });

    /** Nothing is handed in where the kernel announces no changes. */
    private static final class UnusedQueue implements TaskQueue {
        @Override
        public void run(Runnable task) {
            throw new AssertionError("a task");
        }

        @Override
        public Pending after(Duration delay, Runnable task) {
            throw new AssertionError("a task");
        }
    }

    private static Uplink uplink(String address) {
        IpAddress ip = IpAddress.parse(address);
        return new Uplink("eth0", 2, 1500, PerFamily.of(IpFamily.IPV4, ip));
    }

    private Uplink find(Uplink current) throws IOException {
        if (!problem.isEmpty()) {
            throw new IOException(problem);
        }
        return found;
    }

    @Test
    void aLookFindsAChangeThatNobodyAnnounced() {
        watch.look();
        assertThat(told).containsExactly("missing:", "repair");

        told.clear();
        problem = "no default route";
        watch.look();
        assertThat(told).containsExactly("missing:no default route", "repair");

        told.clear();
        problem = "";
        found = uplink("192.168.100.7");
        watch.look();
        assertThat(told).containsExactly("now 192.168.100.7");

        watch.close();
        told.clear();
        watch.look();
        assertThat(told).as("after the end").isEmpty();
    }
}
