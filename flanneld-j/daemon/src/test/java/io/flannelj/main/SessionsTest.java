package io.flannelj.main;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import io.flannelj.main.Sessions.Remains;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

/**
 * A daemon's life on a host of which only this is known: whether the kernel carries what a session put into it. Every life of a
 * few sessions is lived.
 */
class SessionsTest {
    private static final Logger LOG = (Logger) LoggerFactory.getLogger(Sessions.class);
    private static final NetworkConfig FIRST = config("10.5.0.0/16");
    private static final NetworkConfig SECOND = config("10.6.0.0/16");

    @BeforeAll
    static void quiet() {
        LOG.setLevel(Level.OFF);
    }

    @AfterAll
    static void loud() {
        LOG.setLevel(null);
    }

    /** What becomes of one try to have a session. */
    private enum Fate {
        /** The config in the store cannot be used. */
        BROKEN_CONFIG,
        /** The config in the store is another one than before, and this host cannot be part of such a network. */
        UNFIT_CONFIG,
        /** The host refuses before the session is made. */
        NOT_MADE,
        /** The same, and the config in the store is another one than before. */
        NEWER_NOT_MADE,
        /** It runs with the other config, until the device is lost. */
        NEWER,
        /** It is made, and the host refuses then. */
        NOT_STARTED,
        /** It ends before it is ready, and another one shall begin. */
        NEVER_READY,
        /** The device is lost. */
        DEVICE_LOST,
        /** The daemon is asked to stop. */
        STOPPED
    }

    /** How a daemon ended. */
    private enum End {
        STOPPED,
        FAILED,
        MISCONFIGURED
    }

    /** A fault that was fixed, put back. */
    private enum Mutation {
        NONE,
        /** A start that fails takes away what the last stop left. */
        FAILED_START_REMOVES,
        /** A config that cannot be used ends the daemon, also where one was in force. */
        BROKEN_CONFIG_ENDS
    }

    private static final class Life implements Sessions.Steps {
        private final Iterator<Fate> fates;
        private final List<String> violations = new ArrayList<>();
        private final List<NetworkConfig> compared = new ArrayList<>();
        private Fate fate = Fate.STOPPED;
        private NetworkConfig inForce;
        private boolean wasReady;
        private boolean stopAsked;
        private boolean open;

        /** An earlier daemon stopped with {@code --keep-on-stop}. */
        private boolean kernelCarries = true;

        Life(Fate... fates) {
            this.fates = List.of(fates).iterator();
        }

        @Override
        public boolean isStopAsked() {
            return stopAsked;
        }

        @Override
        public NetworkConfig newest() throws ConfigException {
            fate = fates.hasNext() ? fates.next() : Fate.STOPPED;
            if (fate == Fate.BROKEN_CONFIG) {
                throw new ConfigException("the network config", List.of("Network: nonsense"));
            }
            return EnumSet.of(Fate.UNFIT_CONFIG, Fate.NEWER_NOT_MADE, Fate.NEWER)
                            .contains(fate)
                    ? SECOND
                    : FIRST;
        }

        @Override
        public Optional<Sessions.Running> begin(NetworkConfig wanted, boolean isNew)
                throws IOException, ConfigException {
            if (isNew) {
                compared.add(wanted);
            }
            require(isNew != wanted.equals(inForce), "told that " + wanted.networks() + " is new: " + isNew);
            if (fate == Fate.UNFIT_CONFIG && isNew) {
                throw new ConfigException("the network config", List.of("Network: has the node's own address"));
            }
            if (fate == Fate.NOT_MADE || fate == Fate.NEWER_NOT_MADE) {
                throw new IOException("the uplink is gone");
            }
            open = true;
            return Optional.of(new Running(wanted));
        }

        @Override
        public void onReady(NetworkConfig config) {
            wasReady = true;
        }

        @Override
        public void pause(String problem, Duration length) {
            require(wasReady, "waits though nothing ever was ready");
        }

        private void require(boolean holds, String violation) {
            if (!holds) {
                violations.add(violation);
            }
        }

        private final class Running implements Sessions.Running {
            private final NetworkConfig config;
            private boolean started;

            Running(NetworkConfig config) {
                this.config = config;
            }

            @Override
            public boolean start() throws IOException {
                if (fate == Fate.NOT_STARTED) {
                    throw new IOException("the rules are refused");
                }
                started = true;
                inForce = config;
                kernelCarries = true;
                return fate != Fate.NEVER_READY;
            }

            @Override
            public boolean awaitEnd() {
                stopAsked = fate == Fate.STOPPED;
                return !stopAsked;
            }

            @Override
            public NetworkConfig config() {
                return config;
            }

            @Override
            public void close(Remains remains) {
                boolean carried = kernelCarries;
                kernelCarries = kernelCarries && remains == Remains.STAY;
                require(started || carried == kernelCarries, "a start that failed took away what had survived");
                require(open, "closed twice");
                open = false;
            }
        }

        /** Lives it; what must hold at every end is a violation where it does not. */
        End live(Mutation mutation, boolean keepOnStop) throws Exception {
            End end;
            try {
                new MutatedSessions(this, keepOnStop, mutation).run();
                end = End.STOPPED;
            } catch (IOException e) {
                end = End.FAILED;
            } catch (ConfigException e) {
                end = End.MISCONFIGURED;
            }
            require(!open, "a session was not closed");
            require(end == End.STOPPED || !wasReady, end + " though a session had been ready");
            require(end != End.MISCONFIGURED || inForce == null, "ended by a config though another one was in force");
            require(
                    end != End.STOPPED || kernelCarries == keepOnStop,
                    "after the stop the kernel carries: " + kernelCarries);
            return end;
        }
    }

    private static final class MutatedSessions extends Sessions {
        private final Life life;
        private final Mutation mutation;

        MutatedSessions(Life life, boolean keepOnStop, Mutation mutation) {
            super(life, keepOnStop);
            this.life = life;
            this.mutation = mutation;
        }

        @Override
        NetworkConfig insteadOf(ConfigException refused) throws ConfigException {
            if (mutation == Mutation.BROKEN_CONFIG_ENDS) {
                throw refused;
            }
            return super.insteadOf(refused);
        }

        @Override
        Remains remains(boolean again) {
            return mutation == Mutation.FAILED_START_REMOVES && life.fate == Fate.NOT_STARTED
                    ? Remains.ARE_REMOVED
                    : super.remains(again);
        }
    }

    private static NetworkConfig config(String network) {
        try {
            return NetworkConfig.parse("{\"Network\":\"" + network + "\"}");
        } catch (ConfigException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> violations(Mutation mutation) throws Exception {
        List<String> violations = new ArrayList<>();
        for (List<Fate> fates : lives(4)) {
            Life life = new Life(fates.toArray(Fate[]::new));
            End end = life.live(mutation, true);
            life.violations.forEach(violation -> violations.add(fates + ", " + end + ": " + violation));
        }
        return violations;
    }

    private static List<List<Fate>> lives(int tries) {
        return tries == 0
                ? List.of(List.of())
                : lives(tries - 1).stream()
                        .flatMap(begun -> Arrays.stream(Fate.values())
                                .map(fate -> Stream.concat(begun.stream(), Stream.of(fate))
                                        .toList()))
                        .toList();
    }

    @Test
    void whatWasReadyEndsOnlyWhenItIsAskedToAndLeavesWhatHadSurvived() throws Exception {
        assertThat(violations(Mutation.NONE)).isEmpty();
    }

    /** A test that cannot fail is worth nothing: each fault that was fixed, put back, is found. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void aFaultPutBackIsFound(Mutation mutation) throws Exception {
        assertThat(violations(mutation)).isNotEmpty();
    }

    @Test
    void theFirstConfigOfAllMustBeUsable() throws Exception {
        assertThat(new Life(Fate.BROKEN_CONFIG).live(Mutation.NONE, true)).isEqualTo(End.MISCONFIGURED);
        assertThat(new Life(Fate.UNFIT_CONFIG).live(Mutation.NONE, true)).isEqualTo(End.MISCONFIGURED);
        assertThat(new Life(Fate.NOT_MADE).live(Mutation.NONE, true)).isEqualTo(End.FAILED);
    }

    @Test
    void aBrokenConfigAndALostDeviceGoOnWithTheConfigBefore() throws Exception {
        Life life = new Life(Fate.DEVICE_LOST, Fate.BROKEN_CONFIG, Fate.STOPPED);

        assertThat(life.live(Mutation.NONE, true)).isEqualTo(End.STOPPED);
        assertThat(life.inForce).isEqualTo(FIRST);
        assertThat(life.compared).as("compared with the host").containsExactly(FIRST);
    }

    /** Else an uplink that comes late would hide that a newer config has this node's own address in it. */
    @Test
    void aConfigIsNewUntilASessionHasRunWithIt() throws Exception {
        Life life = new Life(Fate.DEVICE_LOST, Fate.NEWER_NOT_MADE, Fate.NEWER, Fate.STOPPED);

        assertThat(life.live(Mutation.NONE, true)).isEqualTo(End.STOPPED);
        assertThat(life.compared).as("compared with the host").containsExactly(FIRST, SECOND, SECOND, FIRST);
    }

    @Test
    void withoutTheFlagNothingStays() throws Exception {
        Life life = new Life(Fate.STOPPED);

        assertThat(life.live(Mutation.NONE, false)).isEqualTo(End.STOPPED);
        assertThat(life.kernelCarries).isFalse();
    }
}
