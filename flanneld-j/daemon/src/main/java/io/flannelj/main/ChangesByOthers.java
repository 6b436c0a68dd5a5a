package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.backend.Uplink;
import io.flannelj.config.NetworkConfig;
import io.flannelj.linux.SyscallException;
import io.flannelj.net.Cidr;
import io.flannelj.netlink.NetlinkSocket;
import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells that another program, NetworkManager for example, changed devices, addresses and routes of ours, which the regular repair
 * puts right: two that undo each other's work for ever must be seen. Confined to the control thread.
 */
final class ChangesByOthers {
    private static final Logger log = LoggerFactory.getLogger(ChangesByOthers.class);
    private static final int NAMED = 5;

    private final Backend backend;
    private final Uplink uplink;
    private final List<Cidr> networks;
    private final Repairs repairs;
    private @Nullable HostSnapshot last;

    ChangesByOthers(Backend backend, Uplink uplink, NetworkConfig config, Repairs repairs) {
        this.backend = backend;
        this.uplink = uplink;
        this.networks = List.copyOf(config.networks().values());
        this.repairs = repairs;
    }

    /** We change something ourselves. */
    void forget() {
        last = null;
    }

    /** Repairs, and tells what there was to repair, unless we changed something ourselves since the last repair. */
    void around(Runnable repair) {
        if (backend.deviceNames().isEmpty()) {
            repair.run();
            return;
        }
        HostSnapshot before = last;
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            HostSnapshot found = before == null ? null : look(netlink);
            repair.run();
            last = look(netlink);
            if (before != null && found != null) {
                tell(before.changedAt(found));
            }
        } catch (SyscallException e) { // the socket was refused; nothing else here throws that
            repair.run();
        }
    }

    private @Nullable HostSnapshot look(NetlinkSocket netlink) {
        List<String> carriers = backend.deviceNames();
        List<String> own =
                carriers.stream().filter(name -> !name.equals(uplink.name())).toList();
        try {
            return HostSnapshot.take(netlink, own, withUplink(carriers), networks);
        } catch (IOException e) {
            log.debug("devices and routes could not be looked at: {}", e.getMessage());
            return null;
        }
    }

    private List<String> withUplink(List<String> carriers) {
        return Stream.concat(carriers.stream(), Stream.of(uplink.name()))
                .distinct()
                .toList();
    }

    private void tell(List<HostSnapshot.Item> changed) {
        if (changed.isEmpty()) {
            return;
        }
        changed.forEach(item -> repairs.count(item.kind()));
        String named =
                changed.stream().limit(NAMED).map(HostSnapshot.Item::what).collect(Collectors.joining(", "));
        log.warn(
                "another program had changed {}{}; put right",
                named,
                changed.size() > NAMED ? " and " + (changed.size() - NAMED) + " more" : "");
    }
}
