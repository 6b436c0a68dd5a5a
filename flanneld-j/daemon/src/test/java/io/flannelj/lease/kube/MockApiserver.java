package io.flannelj.lease.kube;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import io.fabric8.kubernetes.client.server.mock.KubernetesCrudDispatcher;
import io.fabric8.kubernetes.client.server.mock.KubernetesMockServer;
import io.fabric8.kubernetes.client.server.mock.crud.KubernetesCrudDispatcherException;
import io.fabric8.kubernetes.client.server.mock.crud.PutHandler;
import io.fabric8.mockwebserver.Context;
import io.fabric8.mockwebserver.MockWebServer;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import io.fabric8.mockwebserver.http.Response;
import io.fabric8.mockwebserver.http.WebSocket;
import io.fabric8.mockwebserver.http.WebSocketListener;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** fabric8's mock of an apiserver, taught to take annotations with a status patch as the real one does. */
public final class MockApiserver implements AutoCloseable {
    private final Dispatcher dispatcher = new Dispatcher();
    private final KubernetesMockServer server =
            new KubernetesMockServer(new Context(), new MockWebServer(), new HashMap<>(), dispatcher, false);
    private final KubernetesClient operator;

    public MockApiserver() {
        server.init();
        operator = server.createClient(new JdkHttpClientFactory());
    }

    private static final class Dispatcher extends KubernetesCrudDispatcher {
        private static final ObjectMapper JSON = new ObjectMapper();
        final List<String> patches = new CopyOnWriteArrayList<>();
        volatile int refuseWith;
        volatile String toWatches = "";

        @Override
        public MockResponse dispatch(RecordedRequest request) {
            if (!toWatches.isEmpty() && request.getPath().contains("watch=true")) {
                return new MockResponse().withWebSocketUpgrade(new WebSocketListener() {
                    @Override
                    public void onOpen(WebSocket socket, Response response) {
                        socket.send(toWatches);
                    }
                });
            }
            return refuseWith == 0 ? super.dispatch(request) : new MockResponse().setResponseCode(refuseWith);
        }

        @Override
        public MockResponse handlePatch(RecordedRequest request) {
            if (!request.getPath().endsWith("/status")) {
                return super.handlePatch(request);
            }
            String patch = request.getUtf8Body(); // can be read once
            patches.add(request.getHeader("Content-Type") + " " + patch);
            String path = request.getPath().replaceFirst("/status$", "");
            try {
                ObjectNode node =
                        (ObjectNode) JSON.readTree(findResource(getKey(path)).getValue());
                merge(node, (ObjectNode) JSON.readTree(patch));
                return new PutHandler(this).handle(path, "application/json", node.toString());
            } catch (KubernetesCrudDispatcherException | JsonProcessingException e) {
                throw new IllegalStateException(e);
            }
        }

        private static void merge(ObjectNode into, ObjectNode patch) {
            patch.properties().forEach(field -> {
                JsonNode there = into.get(field.getKey());
                if (field.getValue().isNull()) {
                    into.remove(field.getKey());
                } else if (field.getValue() instanceof ObjectNode inner && there instanceof ObjectNode thereInner) {
                    merge(thereInner, inner);
                } else {
                    into.set(field.getKey(), field.getValue());
                }
            });
        }

        @Override
        public boolean isStatusSubresourceEnabledForResource(String path) {
            return false;
        }
    }

    String url() {
        return "http://127.0.0.1:" + port();
    }

    /** Where it listens on the loopback address. */
    public int port() {
        return server.getPort();
    }

    KubernetesClient operator() {
        return operator;
    }

    /** Every call gets this status from now on; 0 for none. */
    void refuseWith(int status) {
        dispatcher.refuseWith = status;
    }

    /** Watches get this event from now on, and no other. */
    void sendToWatches(String event) {
        dispatcher.toWatches = event;
    }

    /** Patches of node status, each behind its content type. */
    List<String> patches() {
        return dispatcher.patches;
    }

    public void addNode(String name, Map<String, String> annotations, String... podCidrs) {
        operator.nodes()
                .resource(NodeCodecTest.node(name, List.of(podCidrs), annotations))
                .create();
    }

    public void annotate(String name, Map<String, String> annotations) {
        operator.nodes()
                .withName(name)
                .edit(node -> new NodeBuilder(node)
                        .editMetadata()
                        .addToAnnotations(annotations)
                        .endMetadata()
                        .build());
    }

    public void removeAnnotation(String name, String key) {
        operator.nodes()
                .withName(name)
                .edit(node -> new NodeBuilder(node)
                        .editMetadata()
                        .removeFromAnnotations(key)
                        .endMetadata()
                        .build());
    }

    void setPodCidrs(String name, String... podCidrs) {
        operator.nodes()
                .withName(name)
                .edit(node -> new NodeBuilder(node)
                        .editSpec()
                        .withPodCIDRs(podCidrs)
                        .endSpec()
                        .build());
    }

    public Node node(String name) {
        return operator.nodes().withName(name).get();
    }

    void stop() {
        server.shutdown();
    }

    @Override
    public void close() {
        operator.close();
        server.destroy();
    }
}
