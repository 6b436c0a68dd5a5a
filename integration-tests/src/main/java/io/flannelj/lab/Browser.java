package io.flannelj.lab;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A headless Chromium in a node's network namespace, steered by the DevTools protocol over two pipes. It has a profile of its own
 * and asks nobody but the page's server.
 */
public final class Browser implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int PATIENCE_SECONDS = 60;

    private final Process process;
    private final OutputStream toBrowser;
    private final InputStream fromBrowser;
    private final List<String> complaints = new ArrayList<>();
    private int lastId;
    private String session = "";

    private Browser(Process process) {
        this.process = process;
        this.toBrowser = process.getOutputStream();
        this.fromBrowser = process.getInputStream();
    }

    /** Whether there is one on this machine. */
    public static boolean isInstalled() {
        return Commands.exists("chromium");
    }

    /** Starts it on a node and loads a page. */
    public static Browser open(Node node, String url) throws IOException {
        Path profile = Files.createDirectories(node.directory().resolve("browser"));
        ProcessBuilder command = new ProcessBuilder(
                "timeout",
                String.valueOf(3 * PATIENCE_SECONDS),
                "ip",
                "netns",
                "exec",
                node.namespace(),
                "sh",
                "-c",
                "exec chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run"
                        + " --disable-background-networking --user-data-dir=\"$0\" --remote-debugging-pipe 3<&0 4>&1"
                        + " >/dev/null",
                profile.toString());
        command.redirectError(profile.resolve("log").toFile());
        Browser browser = new Browser(command.start());
        String target = browser.call("Target.createTarget", Map.of("url", "about:blank"))
                .path("targetId")
                .asText();
        browser.session = browser.call("Target.attachToTarget", Map.of("targetId", target, "flatten", true))
                .path("sessionId")
                .asText();
        browser.call("Log.enable", Map.of());
        browser.call("Runtime.enable", Map.of());
        browser.call("Page.enable", Map.of());
        browser.load(url);
        return browser;
    }

    private void load(String url) throws IOException {
        call("Page.navigate", Map.of("url", url));
        Wait.until(
                "the page",
                Duration.ofSeconds(PATIENCE_SECONDS),
                () -> evaluate("document.readyState").asText().equals("complete"));
    }

    /** The size of the window in CSS pixels, and the colours that its user prefers. */
    public void show(int width, int height, String colours) throws IOException {
        call(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
        call(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", colours))));
    }

    /** The value of an expression on the page. */
    public JsonNode evaluate(String expression) {
        try {
            return call("Runtime.evaluate", Map.of("expression", expression, "returnByValue", true))
                    .path("result")
                    .path("value");
        } catch (IOException e) {
            throw new LabException("the browser does not answer", e);
        }
    }

    /** Writes what the window shows, as PNG. */
    public void photograph(Path file) throws IOException {
        JsonNode image = call("Page.captureScreenshot", Map.of("captureBeyondViewport", true));
        Files.write(file, Base64.getDecoder().decode(image.path("data").asText()));
    }

    /** What the browser has complained of: refused scripts, failed requests, exceptions. */
    public List<String> complaints() {
        return List.copyOf(complaints);
    }

    private JsonNode call(String method, Map<String, Object> parameters) throws IOException {
        lastId++;
        Map<String, Object> call = new HashMap<>(Map.of("id", lastId, "method", method, "params", parameters));
        if (!session.isEmpty()) {
            call.put("sessionId", session);
        }
        toBrowser.write(JSON.writeValueAsBytes(call));
        toBrowser.write(0);
        toBrowser.flush();
        while (true) {
            JsonNode message = JSON.readTree(read());
            if (message.path("id").asInt() == lastId) {
                if (message.has("error")) {
                    throw new IOException(method + ": " + message.path("error"));
                }
                return message.path("result");
            }
            if (List.of("Log.entryAdded", "Runtime.exceptionThrown")
                    .contains(message.path("method").asText())) {
                complaints.add(message.path("params").toString());
            }
        }
    }

    /** A message ends with a zero. The whole process ends in time, so this does. */
    private String read() throws IOException {
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        for (int next = fromBrowser.read(); next != 0; next = fromBrowser.read()) {
            if (next < 0) {
                throw new IOException("the browser has ended");
            }
            message.write(next);
        }
        return message.toString(StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        try {
            process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
