package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Route;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A route of a pod, as results show it.
 *
 * @param gateway null for the family's own gateway
 * @param mtuBytes path MTU; 0 for the link's
 * @param advertisedMssBytes TCP segment size that is announced; 0 for the kernel's choice
 * @param priority metric; 0 for none
 * @param table 0 for the main table
 * @param scope null for the kernel's default
 */
record PodRoute(
        Cidr destination,
        @Nullable IpAddress gateway,
        int mtuBytes,
        int advertisedMssBytes,
        int priority,
        int table,
        @Nullable Integer scope) {
    static PodRoute to(Cidr destination, IpAddress gateway) {
        return new PodRoute(destination, gateway, 0, 0, 0, 0, null);
    }

    static List<PodRoute> parse(Json fields, JsonNode array) {
        List<PodRoute> routes = new ArrayList<>();
        for (JsonNode entry : array) {
            Cidr destination = fields.cidr("routes.dst", entry.path("dst").asText());
            IpAddress gateway = fields.address(entry, "gw");
            int mtu = fields.number(entry, "mtu", 65_535);
            int mss = fields.number(entry, "advmss", 65_535);
            int priority = fields.number(entry, "priority", Integer.MAX_VALUE);
            int table = fields.number(entry, "table", Integer.MAX_VALUE);
            Integer scope = entry.has("scope") ? Integer.valueOf(fields.number(entry, "scope", 255)) : null;
            if (destination != null) {
                routes.add(new PodRoute(destination.network(), gateway, mtu, mss, priority, table, scope));
            }
        }
        return routes;
    }

    /** The same, with its gateway filled in. */
    PodRoute through(IpAddress next) {
        return new PodRoute(destination, next, mtuBytes, advertisedMssBytes, priority, table, scope);
    }

    /** As the kernel is told. */
    Route on(int linkIndex, IpAddress next) {
        Route route = Route.via(destination, next, linkIndex);
        return new Route(
                route.destination(),
                route.gateway(),
                linkIndex,
                null,
                scope == null ? route.scope() : scope,
                false,
                table == 0 ? route.table() : table,
                route.protocol(),
                route.type());
    }

    void writeTo(ObjectNode entry, boolean newest) {
        entry.put("dst", destination.toString());
        if (gateway != null) {
            entry.put("gw", gateway.toString());
        }
        if (newest) {
            putUnlessZero(entry, "mtu", mtuBytes);
            putUnlessZero(entry, "advmss", advertisedMssBytes);
            putUnlessZero(entry, "priority", priority);
            putUnlessZero(entry, "table", table);
            if (scope != null) {
                entry.put("scope", scope);
            }
        }
    }

    private static void putUnlessZero(ObjectNode entry, String field, int value) {
        if (value != 0) {
            entry.put(field, value);
        }
    }
}
