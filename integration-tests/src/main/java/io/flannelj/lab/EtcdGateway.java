package io.flannelj.lab;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** etcd's JSON gateway on the loopback of its namespace: what the laboratory itself asks of it. */
final class EtcdGateway {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final String namespace;
    private final String url;
    private String token = "";

    EtcdGateway(String namespace, int port) {
        this.namespace = namespace;
        this.url = "http://127.0.0.1:" + port;
    }

    void put(String key, String value) {
        post("/v3/kv/put", body().put("key", base64(key)).put("value", base64(value)));
    }

    void delete(String key) {
        post("/v3/kv/deleterange", body().put("key", base64(key)));
    }

    void compact(long revision) {
        post("/v3/kv/compaction", body().put("revision", revision).put("physical", true));
    }

    List<EtcdServer.Entry> list(String prefix) {
        JsonNode answer = post("/v3/kv/range", body().put("key", base64(prefix)).put("range_end", end(prefix)));
        List<EtcdServer.Entry> entries = new ArrayList<>();
        for (JsonNode kv : answer.path("kvs")) {
            entries.add(new EtcdServer.Entry(
                    text(kv.path("key").asText()), text(kv.path("value").asText())));
        }
        return entries;
    }

    long revision() {
        return post("/v3/kv/range", body().put("key", base64("/")))
                .path("header")
                .path("revision")
                .asLong();
    }

    /** Whether this member leads; throws while it knows of no leader. */
    boolean isLeader() {
        JsonNode status = post("/v3/maintenance/status", body());
        return status.path("leader")
                .asText("none")
                .equals(status.path("header").path("member_id").asText());
    }

    /** From now on everybody has to say who they are; we are {@code root}. */
    void demandPasswords(String rootPassword, String user, String password, String prefix) {
        post("/v3/auth/role/add", body().put("name", "root"));
        post("/v3/auth/user/add", body().put("name", "root").put("password", rootPassword));
        post("/v3/auth/user/grant", body().put("user", "root").put("role", "root"));
        post("/v3/auth/role/add", body().put("name", user));
        grant(user, prefix);
        post("/v3/auth/user/add", body().put("name", user).put("password", password));
        post("/v3/auth/user/grant", body().put("user", user).put("role", user));
        post("/v3/auth/enable", body());
        logIn(rootPassword);
    }

    void grant(String role, String prefix) {
        ObjectNode grant = body().put("name", role);
        grant.putObject("perm")
                .put("permType", "READWRITE")
                .put("key", base64(prefix))
                .put("range_end", end(prefix));
        post("/v3/auth/role/grant", grant);
    }

    void revoke(String role, String prefix) {
        post(
                "/v3/auth/role/revoke",
                body().put("role", role).put("key", base64(prefix)).put("range_end", end(prefix)));
    }

    /** Tokens end with etcd. */
    void logIn(String rootPassword) {
        token = "";
        token = post("/v3/auth/authenticate", body().put("name", "root").put("password", rootPassword))
                .path("token")
                .asText();
    }

    private static ObjectNode body() {
        return JSON.createObjectNode();
    }

    private JsonNode post(String path, ObjectNode body) {
        try (Netns netns = Netns.open(Path.of("/run/netns", namespace))) {
            // A socket belongs to the namespace of the thread that makes it, so this thread makes and uses it.
            String answer = NetnsThread.call(netns, () -> {
                HttpURLConnection connection =
                        (HttpURLConnection) URI.create(url + path).toURL().openConnection();
                connection.setConnectTimeout(2000);
                connection.setReadTimeout(5000);
                connection.setRequestProperty("Connection", "close");
                if (!token.isEmpty()) {
                    connection.setRequestProperty("Authorization", token);
                }
                connection.setDoOutput(true);
                connection.getOutputStream().write(body.toString().getBytes(StandardCharsets.UTF_8));
                return new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            });
            return JSON.readTree(answer);
        } catch (JsonProcessingException e) {
            throw new LabException("etcd answered nonsense to " + path, e);
        } catch (IOException e) {
            throw new LabException("etcd does not answer: " + e.getMessage(), e);
        }
    }

    /** The first key that does not begin with {@code prefix}. */
    private static String end(String prefix) {
        byte[] end = prefix.getBytes(StandardCharsets.UTF_8);
        end[end.length - 1]++;
        return Base64.getEncoder().encodeToString(end);
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(String base64) {
        return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    }
}
