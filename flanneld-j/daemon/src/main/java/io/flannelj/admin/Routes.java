package io.flannelj.admin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.net.PlainText;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/** Which path answers what: plain values in and out, so that it can be read and tested without a server. */
final class Routes {
    private static final String PATHS = "/v1/paths/"; // and a node's address
    private static final ObjectMapper JSON = new ObjectMapper();
    static final String TEXT = "text/plain; charset=utf-8";
    static final String HTML = "text/html; charset=utf-8";
    private static final String METRICS = "text/plain; version=0.0.4; charset=utf-8";
    static final String APPLICATION_JSON = "application/json";

    private final DaemonView daemon;
    private final History history;
    private final Pages pages;

    /** What a listener answers. */
    enum Pages {
        /** All, what makes the daemon send packets, and packets themselves: for root. */
        CONTROL,
        ALL,
        METRICS
    }

    Routes(DaemonView daemon, History history, Pages pages) {
        this.daemon = daemon;
        this.history = history;
        this.pages = pages;
    }

    /** An HTTP response. */
    record Response(HttpResponseStatus status, String contentType, String body) {}

    /** The answer to a GET; all but those that wait for packets come at once. */
    CompletableFuture<Response> answer(String uri) {
        return pages == Pages.CONTROL && uri.startsWith(PATHS)
                ? daemon.examine(uri.substring(PATHS.length())).thenApply(Routes::json)
                : CompletableFuture.completedFuture(atOnce(uri));
    }

    /**
     * The stream that a GET of packets opens; empty for all other paths.
     *
     * @throws RefusedStreamException when there is none, or what is wanted is not understood
     */
    Optional<PacketStream> stream(String uri) throws RefusedStreamException {
        if (pages != Pages.CONTROL) {
            return Optional.empty();
        }
        QueryStringDecoder query = new QueryStringDecoder(uri);
        return switch (query.path()) {
            case "/v1/drops" -> Optional.of(daemon.drops());
            case "/v1/packets" -> {
                Map<String, String> wanted = new TreeMap<>();
                query.parameters().forEach((name, values) -> wanted.put(name, values.get(0)));
                yield Optional.of(daemon.packets(wanted));
            }
            default -> Optional.empty();
        };
    }

    private Response atOnce(String uri) {
        String path = uri.indexOf('?') < 0 ? uri : uri.substring(0, uri.indexOf('?'));
        return pages == Pages.METRICS && !path.equals("/metrics") ? nothingAt(path) : page(path);
    }

    private Response page(String path) {
        return switch (path) {
            case "/healthz" -> new Response(HttpResponseStatus.OK, TEXT, "flanneld is running");
            case "/readyz" -> readiness();
            case "/metrics" -> new Response(HttpResponseStatus.OK, METRICS, daemon.metrics());
            case "/v1/status" -> json(daemon.status());
            case "/v1/peers" -> json(daemon.peers());
            case "/v1/history" -> json(history.document());
            case "/v1/explain" -> json(daemon.facts());
            case "/" ->
                new Response(
                        HttpResponseStatus.OK,
                        HTML,
                        StatusPage.render(daemon.status(), daemon.peers(), history.document()));
            default -> nothingAt(path);
        };
    }

    private static Response nothingAt(String path) {
        return new Response(HttpResponseStatus.NOT_FOUND, TEXT, "nothing is at " + path + "\n");
    }

    private Response readiness() {
        StatusDocument status = daemon.status();
        String reasons = status.reasons().stream().map(reason -> "\n" + reason).collect(Collectors.joining());
        return status.ready() // and stays so while traffic goes on, as flannel's does; only a store that denies us
                // ends it
                ? new Response(HttpResponseStatus.OK, TEXT, "flanneld is ready" + reasons)
                : new Response(HttpResponseStatus.SERVICE_UNAVAILABLE, TEXT, "flanneld is not ready yet" + reasons);
    }

    private static Response json(Object document) {
        try {
            return new Response(
                    HttpResponseStatus.OK, APPLICATION_JSON, PlainText.escapeLines(JSON.writeValueAsString(document)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // records of plain values can always be written
        }
    }
}
