package io.flannelj.lab;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A real kube-apiserver in the switch's namespace, on the laboratory's etcd. Nothing else of Kubernetes runs: nodes are what
 * tests make them. Accounts: an administrator's, the daemons', which may do nothing until {@link #grantRole}, and the
 * manifest's service account, by tokens that are bound to a pod or free.
 */
public final class KubeApiserver {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ADMIN_TOKEN = "lab-admin";
    private static final String DAEMON_TOKEN = "lab-daemon";
    private static final String YAML = "application/yaml";
    private static final String MERGE_PATCH = "application/merge-patch+json";
    private static final Pattern KIND = Pattern.compile("^kind: (\\w+)$", Pattern.MULTILINE);
    private static final Pattern NAME = Pattern.compile("^  name: (\\S+)$", Pattern.MULTILINE);

    /** Where objects of a kind are, by kind. */
    private static final Map<String, String> COLLECTIONS = Map.of(
            "Namespace", "/api/v1/namespaces",
            "ServiceAccount", "/api/v1/namespaces/" + Account.NAMESPACE + "/serviceaccounts",
            "ConfigMap", "/api/v1/namespaces/" + Account.NAMESPACE + "/configmaps",
            "ClusterRole", "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            "ClusterRoleBinding", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            "DaemonSet", "/apis/apps/v1/namespaces/" + Account.NAMESPACE + "/daemonsets",
            "ValidatingAdmissionPolicy", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
            "ValidatingAdmissionPolicyBinding",
                    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings");

    /** The service account of the manifest. */
    private static final class Account {
        static final String NAMESPACE = "kube-flannel";
        static final String NAME = "flanneld-j";
    }

    private final Lab lab;
    private final Path binary;
    private final Path directory;
    private final String url;
    private Process process;

    private KubeApiserver(Lab lab, Path binary) {
        this.lab = lab;
        this.binary = binary;
        this.directory = lab.workspace().directory().resolve("apiserver");
        this.url = "https://" + Lab.SWITCH_ADDRESS + ":6443";
        try {
            Files.createDirectories(directory);
            Files.writeString(
                    directory.resolve("tokens.csv"),
                    ADMIN_TOKEN + ",admin,1,\"system:masters\"\n" + DAEMON_TOKEN + ",flannel,2\n");
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(2048);
            KeyPair key = generator.generateKeyPair();
            writePem("sa.key", "PRIVATE KEY", key.getPrivate().getEncoded());
            writePem("sa.pub", "PUBLIC KEY", key.getPublic().getEncoded());
        } catch (IOException | GeneralSecurityException e) {
            throw new LabException("cannot prepare an apiserver: " + e.getMessage(), e);
        }
        this.process = launch();
    }

    private void writePem(String file, String kind, byte[] encoded) throws IOException {
        Files.writeString(
                directory.resolve(file),
                "-----BEGIN " + kind + "-----\n"
                        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(encoded)
                        + "\n-----END " + kind + "-----\n");
    }

    /** Where {@code KUBE_APISERVER_BIN} says that the program is; empty when it says nothing, or it is not there. */
    public static Optional<Path> binary() {
        return Optional.ofNullable(System.getenv("KUBE_APISERVER_BIN"))
                .map(Path::of)
                .filter(Files::isExecutable);
    }

    /** Starts one, and waits until it serves. */
    public static KubeApiserver start(Lab lab) {
        return new KubeApiserver(
                lab, binary().orElseThrow(() -> new LabException("no kube-apiserver: set KUBE_APISERVER_BIN")));
    }

    private Process launch() {
        Path log = directory.resolve("apiserver.log");
        Process started = lab.workspace()
                .register(Commands.start(
                        lab.etcd().namespace(),
                        log,
                        binary.toString(),
                        "--etcd-servers=http://127.0.0.1:2379",
                        "--bind-address=" + Lab.SWITCH_ADDRESS,
                        "--advertise-address=" + Lab.SWITCH_ADDRESS,
                        "--cert-dir=" + directory,
                        "--token-auth-file=" + directory.resolve("tokens.csv"),
                        "--authorization-mode=RBAC",
                        "--service-account-issuer=https://kubernetes.default.svc",
                        "--service-account-key-file=" + directory.resolve("sa.pub"),
                        "--service-account-signing-key-file=" + directory.resolve("sa.key"),
                        "--service-cluster-ip-range=10.96.0.0/16",
                        "--endpoint-reconciler-type=none",
                        "--disable-admission-plugins=ServiceAccount"));
        Wait.until("kube-apiserver serves", Duration.ofSeconds(90), () -> {
            if (!started.isAlive()) {
                throw new LabException("kube-apiserver ended with status " + started.exitValue() + "; see " + log);
            }
            return curl(ADMIN_TOKEN, "GET", "/readyz", "", "").output().equals("ok");
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

    /** Adds a node, as its kubelet and the controller manager would. */
    public void addNode(String name, String... podCidrs) {
        String spec = podCidrs.length == 0
                ? "{}"
                : "{\"podCIDR\":\"" + podCidrs[0] + "\",\"podCIDRs\":[\"" + String.join("\",\"", podCidrs) + "\"]}";
        call(
                "POST",
                "/api/v1/nodes",
                "application/json",
                "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"" + name + "\"},\"spec\":" + spec
                        + "}");
    }

    public void deleteNode(String name) {
        call("DELETE", "/api/v1/nodes/" + name, "", "");
    }

    /** Merges a document into a node. */
    public void patchNode(String name, String document) {
        call("PATCH", "/api/v1/nodes/" + name, MERGE_PATCH, document);
    }

    /** What the apiserver said to somebody's request: the status of HTTP, and the object or the refusal. */
    public record Answer(int status, JsonNode body) {}

    /**
     * Merges a document into a node as the owner of a token, whatever comes of it.
     *
     * @param part of the node: {@code "/status"}, which the daemon writes to, or empty
     */
    public Answer patchNodeAs(String token, String name, String part, String document) {
        Commands.Result result =
                curl(token, "PATCH", "/api/v1/nodes/" + name + part, MERGE_PATCH, document, "-w", "\n%{http_code}");
        String output = result.orThrow();
        int end = output.lastIndexOf('\n');
        try {
            return new Answer(Integer.parseInt(output.substring(end + 1)), JSON.readTree(output.substring(0, end)));
        } catch (JsonProcessingException e) {
            throw new LabException("PATCH node " + name + ": " + output, e);
        }
    }

    /**
     * Makes the objects of these kinds that a manifest holds, as it writes them; an unknown field is an error. What is
     * there stays.
     */
    public void apply(Path manifest, String... kinds) {
        for (String document : documents(manifest, kinds)) {
            call("POST", collection(document) + "?fieldValidation=Strict", YAML, document);
        }
    }

    /** Deletes the objects of these kinds that a manifest holds, where they are there. */
    public void withdraw(Path manifest, String... kinds) {
        for (String document : documents(manifest, kinds)) {
            Commands.Result result =
                    curl(ADMIN_TOKEN, "DELETE", collection(document) + "/" + first(NAME, document), "", "");
            result.orThrow();
        }
    }

    private static List<String> documents(Path manifest, String... kinds) {
        try {
            List<String> wanted = List.of(kinds);
            List<String> documents = Stream.of(Files.readString(manifest).split("(?m)^---\n"))
                    .filter(document -> wanted.contains(first(KIND, document)))
                    .toList();
            if (documents.size() < wanted.size()) {
                throw new LabException(manifest + " does not hold each of " + wanted);
            }
            return documents;
        } catch (IOException e) {
            throw new LabException("cannot read " + manifest, e);
        }
    }

    private static String collection(String document) {
        String kind = first(KIND, document);
        return Optional.ofNullable(COLLECTIONS.get(kind))
                .orElseThrow(() -> new LabException("do not know where objects of kind " + kind + " are"));
    }

    private static String first(Pattern pattern, String document) {
        Matcher matcher = pattern.matcher(document);
        return matcher.find() ? matcher.group(1) : "";
    }

    /**
     * A token as the kubelet of a node gets it for a pod of the DaemonSet: of the manifest's service account, and bound to
     * the pod. The manifest's namespace and service account must be there.
     */
    public String podToken(String node) {
        String pods = "/api/v1/namespaces/" + Account.NAMESPACE + "/pods";
        String name = Account.NAME + "-" + node;
        call(
                "POST",
                pods,
                "application/json",
                "{\"metadata\":{\"name\":\"" + name + "\"},\"spec\":{\"nodeName\":\"" + node
                        + "\",\"serviceAccountName\":\"" + Account.NAME
                        + "\",\"containers\":[{\"name\":\"flanneld-j\",\"image\":\"none\"}]}}");
        String uid = call("GET", pods + "/" + name, "", "")
                .path("metadata")
                .path("uid")
                .asText();
        return token("\"boundObjectRef\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"" + name + "\",\"uid\":\""
                + uid + "\"}");
    }

    /** A token of the manifest's service account that is bound to nothing, so that it names no node. */
    public String freeToken() {
        return token("");
    }

    private String token(String spec) {
        return call(
                        "POST",
                        COLLECTIONS.get("ServiceAccount") + "/" + Account.NAME + "/token",
                        "application/json",
                        "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenRequest\",\"spec\":{" + spec
                                + "}}")
                .path("status")
                .path("token")
                .asText();
    }

    public JsonNode node(String name) {
        return call("GET", "/api/v1/nodes/" + name, "", "");
    }

    /** An annotation under flannel's usual prefix; empty when it is not there. */
    public String annotation(String node, String name) {
        return node(node)
                .path("metadata")
                .path("annotations")
                .path("flannel.alpha.coreos.com/" + name)
                .asText();
    }

    /** Gives the daemons' account the rules that flannel's manifest gives its own, unless it has them. */
    public void grantRole() {
        String rbac = "/apis/rbac.authorization.k8s.io/v1/";
        call(
                "POST",
                rbac + "clusterroles",
                "application/json",
                "{\"metadata\":{\"name\":\"flannel\"},\"rules\":["
                        + "{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"verbs\":[\"get\"]},"
                        + "{\"apiGroups\":[\"\"],\"resources\":[\"nodes\"],\"verbs\":[\"get\",\"list\",\"watch\"]},"
                        + "{\"apiGroups\":[\"\"],\"resources\":[\"nodes/status\"],\"verbs\":[\"patch\"]}]}");
        call(
                "POST",
                rbac + "clusterrolebindings",
                "application/json",
                "{\"metadata\":{\"name\":\"flannel\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","
                        + "\"kind\":\"ClusterRole\",\"name\":\"flannel\"},\"subjects\":[{\"kind\":\"User\","
                        + "\"apiGroup\":\"rbac.authorization.k8s.io\",\"name\":\"flannel\"}]}");
    }

    public void revokeRole() {
        String rbac = "/apis/rbac.authorization.k8s.io/v1/";
        call("DELETE", rbac + "clusterrolebindings/flannel", "", "");
        call("DELETE", rbac + "clusterroles/flannel", "", "");
    }

    public boolean isRunning() {
        return process.isAlive();
    }

    /** A kubeconfig of the daemons' account. */
    public Path kubeconfig() {
        return kubeconfig("kubeconfig", DAEMON_TOKEN);
    }

    /** A kubeconfig of a token's owner. */
    public Path kubeconfig(String file, String token) {
        try {
            return Files.writeString(
                    directory.resolve(file), """
                    apiVersion: v1
                    kind: Config
                    current-context: lab
                    contexts: [{name: lab, context: {cluster: lab, user: flannel}}]
                    clusters: [{name: lab, cluster: {server: "%s", certificate-authority: %s}}]
                    users: [{name: flannel, user: {token: %s}}]
                    """.formatted(url, directory.resolve("apiserver.crt"), token));
        } catch (IOException e) {
            throw new LabException("cannot write a kubeconfig", e);
        }
    }

    private JsonNode call(String method, String path, String contentType, String body) {
        Commands.Result result = curl(ADMIN_TOKEN, method, path, contentType, body);
        try {
            JsonNode answer = JSON.readTree(result.output());
            boolean there = answer.path("reason").asText().equals("AlreadyExists");
            if (!result.succeeded()
                    || !there
                            && answer.path("kind").asText().equals("Status")
                            && !answer.path("status").asText().equals("Success")) {
                throw new LabException(method + " " + path + ": " + result.output() + result.errors());
            }
            return answer;
        } catch (JsonProcessingException e) {
            throw new LabException(method + " " + path + ": " + result.output() + result.errors(), e);
        }
    }

    private Commands.Result curl(
            String token, String method, String path, String contentType, String body, String... options) {
        List<String> command = new ArrayList<>(List.of(
                "curl",
                "-s",
                "--max-time",
                "20",
                "--cacert",
                directory.resolve("apiserver.crt").toString(),
                "-H",
                "Authorization: Bearer " + token,
                "-X",
                method));
        if (!body.isEmpty()) {
            command.addAll(List.of("-H", "Content-Type: " + contentType, "--data-binary", body));
        }
        command.addAll(List.of(options));
        command.add(url + path);
        return Commands.inNamespace(lab.etcd().namespace(), command.toArray(String[]::new));
    }
}
