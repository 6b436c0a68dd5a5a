package io.flannelj.main;

import io.flannelj.admin.AdminServer;
import io.flannelj.config.DaemonOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where this node's daemon is reached: control socket and HTTP port. It is also what tells that there is another one: who
 * is to follow it ({@code --await-predecessor}) prepares everything, waits here until that has stopped, and takes over
 * within milliseconds.
 */
final class Entrance {
    private static final Logger log = LoggerFactory.getLogger(Entrance.class);
    private static final int LOOK_EVERY_MILLIS = 20;

    private final AdminServer admin;
    private final DaemonOptions options;
    private boolean open;

    Entrance(AdminServer admin, DaemonOptions options) {
        this.admin = admin;
        this.options = options;
    }

    /**
     * Opens, unless a predecessor is there that shall be awaited.
     *
     * @throws IOException when another daemon answers that shall not, or an address is taken; names it
     */
    void openUnlessTaken() throws IOException {
        if (isTaken()) {
            log.info(
                    "another flanneld-j answers at {}; preparing, to take over when it has stopped",
                    options.controlSocket());
            return;
        }
        open();
    }

    /** Opens as soon as the predecessor has stopped, or gives up. */
    void awaitOpen(BooleanSupplier givenUp) throws IOException, InterruptedException {
        while (!open && !givenUp.getAsBoolean()) {
            if (isTaken()) {
                Thread.sleep(LOOK_EVERY_MILLIS);
            } else {
                log.info("the other flanneld-j has stopped; taking over");
                open();
            }
        }
    }

    private boolean isTaken() {
        return options.handover().awaitPredecessor() && AdminServer.isAnswering(options.controlSocket());
    }

    private void open() throws IOException {
        admin.listen(options.controlSocket());
        if (options.healthz().port() > 0) {
            InetAddress address =
                    InetAddress.getByAddress(options.healthz().address().toBytes());
            admin.listen(new InetSocketAddress(address, options.healthz().port()));
        }
        open = true;
    }
}
