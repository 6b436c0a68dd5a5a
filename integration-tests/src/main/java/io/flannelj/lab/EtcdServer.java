package io.flannelj.lab;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A real etcd in a namespace of the laboratory, with faults on request. Spoken to through its JSON gateway. */
public final class EtcdServer {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Workspace workspace;
    private final String namespace;
    private final String url;
    private final Path dataDirectory;
    private Process process;

    /** A key with its value. */
    public record Entry(String key, String value) {}

    EtcdServer(Workspace workspace, String namespace, String address) {
        this.workspace = workspace;
        this.namespace = namespace;
        this.url = "http://" + address + ":2379";
        this.dataDirectory = workspace.directory().resolve("etcd");
        this.process = launch();
    }

    /** What daemons are given. */
    public String url() {
        return url;
    }

    public String namespace() {
        return namespace;
    }

    private Process launch() {
        Process started = workspace.register(Commands.start(
                namespace,
                workspace.directory().resolve("logs/etcd.log"),
                "etcd",
                "--data-dir",
                dataDirectory.toString(),
                "--listen-client-urls",
                "http://0.0.0.0:2379",
                "--advertise-client-urls",
                url,
                "--listen-peer-urls",
                "http://127.0.0.1:2380",
                "--initial-advertise-peer-urls",
                "http://127.0.0.1:2380",
                "--initial-cluster",
                "default=http://127.0.0.1:2380",
                "--unsafe-no-fsync"));
        Wait.until("etcd answers", Duration.ofSeconds(20), () -> {
            try {
                post("/v3/kv/range", "{\"key\":\"" + base64("/") + "\"}");
                return true;
            } catch (LabException e) {
                if (!started.isAlive()) {
                    throw new LabException("etcd ended with status " + started.exitValue() + "; see "
                            + workspace.directory().resolve("logs/etcd.log"));
                }
                return false;
            }
        });
        return started;
    }

    /** SIGKILL. */
    public void kill() {
        try {
            process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Starts again on the same data. */
    public void restart() {
        process = launch();
    }

    public void put(String key, String value) {
        post("/v3/kv/put", "{\"key\":\"" + base64(key) + "\",\"value\":\"" + base64(value) + "\"}");
    }

    public void delete(String key) {
        post("/v3/kv/deleterange", "{\"key\":\"" + base64(key) + "\"}");
    }

    /** Forgets all history before {@code revision}. */
    public void compact(long revision) {
        post("/v3/kv/compaction", "{\"revision\":" + revision + ",\"physical\":true}");
    }

    /** Everything whose key begins with {@code prefix}. */
    public List<Entry> list(String prefix) {
        byte[] end = prefix.getBytes(StandardCharsets.UTF_8);
        end[end.length - 1]++;
        String answer = post(
                "/v3/kv/range",
                "{\"key\":\"" + base64(prefix) + "\",\"range_end\":\""
                        + Base64.getEncoder().encodeToString(end) + "\"}");
        List<Entry> entries = new ArrayList<>();
        try {
            for (JsonNode kv : JSON.readTree(answer).path("kvs")) {
                entries.add(new Entry(
                        text(kv.path("key").asText()), text(kv.path("value").asText())));
            }
        } catch (JsonProcessingException e) {
            throw new LabException("etcd answered " + answer, e);
        }
        return entries;
    }

    private String post(String path, String body) {
        try (Netns netns = Netns.open(Path.of("/run/netns", namespace))) {
            // A socket belongs to the namespace of the thread that makes it, so this thread makes and uses it.
            return NetnsThread.call(netns, () -> {
                HttpURLConnection connection = (HttpURLConnection)
                        URI.create("http://127.0.0.1:2379" + path).toURL().openConnection();
                connection.setConnectTimeout(2000);
                connection.setReadTimeout(5000);
                connection.setRequestProperty("Connection", "close");
                connection.setDoOutput(true);
                connection.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
                return new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            });
        } catch (IOException e) {
            throw new LabException("etcd does not answer: " + e.getMessage(), e);
        }
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(String base64) {
        return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    }
}
