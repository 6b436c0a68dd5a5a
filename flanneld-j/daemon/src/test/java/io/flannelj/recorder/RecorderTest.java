package io.flannelj.recorder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was written down is what was so, whenever one asks, whatever happened to the files. */
class RecorderTest {
    private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");
    private static final Facts.Peer USED = new Facts.Peer("10.5.2.0/24", "192.0.2.2", "vxlan", "");
    private static final Facts.Peer REFUSED = new Facts.Peer("10.5.2.0/24", "192.0.2.2", "vxlan", "its VNI is 9");

    @TempDir
    Path directory;

    private Instant now = BEGIN;

    private final Clock clock = new Clock() {
        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneOffset getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    };

    private static Facts facts(SortedMap<String, Facts.Peer> peers, String trouble) {
        return new Facts(
                "1.0",
                "10.5.0.0/16, vxlan",
                new Facts.Own("10.5.1.0/24", Facts.Own.State.HELD, "never"),
                peers,
                trouble);
    }

    private static SortedMap<String, Facts.Peer> peers(Facts.Peer peer) {
        return new TreeMap<>(Map.of("/subnets/10.5.2.0-24", peer));
    }

    /** Records one after the other, a second apart. */
    private void record(Recorder recorder, Facts... all) {
        for (Facts facts : all) {
            recorder.record(facts);
            now = now.plusSeconds(1);
        }
    }

    private Replay replay() throws IOException {
        return new Replay(new EventFiles(directory).read());
    }

    @Test
    void eachMomentIsKnownAfterwards() throws IOException {
        Facts alone = facts(new TreeMap<>(), "");
        Facts together = facts(peers(USED), "");
        Facts refused = facts(peers(REFUSED), "the store is away");
        record(new Recorder(new EventFiles(directory), clock), alone, together, together, refused, alone);

        Replay replay = replay();
        assertThat(replay.at(BEGIN)).isEqualTo(alone);
        assertThat(replay.at(BEGIN.plusSeconds(1))).isEqualTo(together);
        assertThat(replay.at(BEGIN.plusSeconds(2))).isEqualTo(together);
        assertThat(replay.at(BEGIN.plusSeconds(3))).isEqualTo(refused);
        assertThat(replay.at(BEGIN.plus(Duration.ofDays(1)))).isEqualTo(alone);
        assertThat(replay.sinceWhen(BEGIN.plusSeconds(2)))
                .containsExactly(Map.entry("/subnets/10.5.2.0-24", BEGIN.plusSeconds(1)));
        assertThat(replay.about(Replay.parse("10.5.2.7")))
                .extracting(event -> event.change().getClass().getSimpleName())
                .containsExactly("Started", "PeerIs", "PeerIs", "PeerGone");
        assertThat(replay.about(Replay.parse("10.5.1.0/24")))
                .extracting(event -> event.change().getClass().getSimpleName())
                .containsExactly("Started", "Lease");
    }

    @Test
    void aRestartBeginsAnewAndSaysSo() throws IOException {
        record(new Recorder(new EventFiles(directory), clock), facts(peers(USED), ""));
        record(new Recorder(new EventFiles(directory), clock), facts(new TreeMap<>(), ""), facts(peers(USED), ""));

        Replay replay = replay();
        assertThat(replay.at(BEGIN.plusSeconds(1)).peers()).isEmpty();
        assertThat(replay.at(BEGIN.plusSeconds(2)).peers()).containsValue(USED);
        assertThat(replay.sinceWhen(BEGIN.plusSeconds(2))).containsValue(BEGIN); // no lease changed by that
    }

    @Test
    void theEndIsWrittenDown() throws IOException {
        Recorder recorder = new Recorder(new EventFiles(directory), clock);
        Facts last = facts(peers(USED), "");
        record(recorder, last, new Facts("", last.network(), last.own(), last.peers(), ""));

        assertThat(replay().at(BEGIN.plusSeconds(1)).version()).isEmpty();
        assertThat(replay().at(BEGIN.plusSeconds(1)).peers()).containsValue(USED);
    }

    /** Random histories over files of a kilobyte: what is still known is right, and nothing grows. */
    @Test
    void filesThatAreFullAreForgottenWhole() throws IOException {
        Random random = new Random(7);
        EventFiles files = new EventFiles(directory, 1000);
        Recorder recorder = new Recorder(files, clock);
        List<Facts> history = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            SortedMap<String, Facts.Peer> peers = new TreeMap<>();
            for (int peer = random.nextInt(4); peer > 0; peer--) {
                peers.put("k" + peer, new Facts.Peer("10.5." + peer + ".0/24", "n" + random.nextInt(2), "udp", ""));
            }
            history.add(facts(peers, random.nextInt(3) == 0 ? "trouble" : ""));
            record(recorder, history.get(i));
        }

        List<Event> events = files.read();
        Replay replay = new Replay(events);
        int known = (int) Duration.between(BEGIN, replay.begin().orElseThrow()).toSeconds();
        assertThat(known).isBetween(1900, 1999);
        for (int i = known; i < 2000; i++) {
            assertThat(replay.at(BEGIN.plusSeconds(i))).isEqualTo(history.get(i));
        }
        assertThat(Files.size(directory.resolve("events.jsonl"))).isLessThan(5000);
        assertThat(Files.size(directory.resolve("events.former.jsonl"))).isLessThan(5000);
    }

    @Test
    void aLineThatWasCutOffCostsThatLine() throws IOException {
        record(new Recorder(new EventFiles(directory), clock), facts(new TreeMap<>(), ""), facts(peers(USED), ""));
        Path file = directory.resolve("events.jsonl");
        String text = Files.readString(file);
        Files.writeString(file, text.substring(0, text.length() - 20));
        record(new Recorder(new EventFiles(directory), clock), facts(peers(REFUSED), ""));

        assertThat(replay().at(BEGIN.plusSeconds(1)).peers()).isEmpty();
        assertThat(replay().at(BEGIN.plusSeconds(2)).peers()).containsValue(REFUSED);
        assertThat(Files.getPosixFilePermissions(file)).hasSize(2);
    }

    @Test
    void whereNothingIsWrittenDownThatIsSaid() {
        assertThatThrownBy(this::replay).isInstanceOf(IOException.class).hasMessageContaining("events.jsonl");
    }

    @Test
    void aDiskThatRefusesCostsNothingElse() throws IOException {
        Path file = directory.resolve("missing");
        Files.writeString(file, "no directory");
        Recorder recorder = new Recorder(new EventFiles(file), clock);
        record(recorder, facts(new TreeMap<>(), ""));
        Files.delete(file);
        record(recorder, facts(new TreeMap<>(), ""));

        assertThat(new Replay(new EventFiles(file).read()).begin()).contains(BEGIN.plusSeconds(1));
    }
}
