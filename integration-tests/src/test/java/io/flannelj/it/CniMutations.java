package io.flannelj.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.cni.CniAnswer;
import io.flannelj.cni.Invocation;
import io.flannelj.cni.engine.CniEngine;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Throws random and mutated calls at the engine, which must answer each by a result or by a well-formed CNI error. Run by
 * {@code CniFuzzIT} in a process whose network and folders are its own, because some mutants are good enough to be obeyed.
 */
public final class CniMutations {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String[] COMMANDS = {"ADD", "DEL", "CHECK", "STATUS", "GC", "VERSION", "add", "", "\0"};
    static final List<String> CONFIGURATIONS = List.of(
            "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"type\":\"flannel-j\"}",
            "{\"cniVersion\":\"0.3.1\",\"name\":\"cbr0\",\"type\":\"flannel\",\"subnetFile\":\"/run/s.env\",\"delegate\":"
                    + "{\"hairpinMode\":true,\"isDefaultGateway\":true,\"mtu\":1400,\"bridge\":\"b0\",\"vlan\":7}}",
            "{\"cniVersion\":\"1.1.0\",\"name\":\"n\",\"type\":\"flannel-j\",\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"/run/d\","
                    + "\"rangeStart\":\"10.5.1.10\",\"rangeEnd\":\"10.5.1.20\",\"ranges\":[[{\"subnet\":\"10.5.1.0/24\"}]],"
                    + "\"routes\":[{\"dst\":\"0.0.0.0/0\"}]},\"cni.dev/valid-attachments\":"
                    + "[{\"containerID\":\"a\",\"ifname\":\"eth0\"}],\"runtimeConfig\":{\"mac\":\"02:00:00:00:00:01\",\"ips\":"
                    + "[\"10.5.1.9/24\"],\"portMappings\":[{\"hostPort\":80,\"containerPort\":8080,\"protocol\":\"tcp\"}]},"
                    + "\"prevResult\":{\"cniVersion\":\"1.1.0\",\"interfaces\":[{\"name\":\"eth0\",\"sandbox\":\"/x\"}],"
                    + "\"ips\":[{\"address\":\"10.5.1.9/24\",\"interface\":0}]},\"args\":{\"cni\":{\"ips\":[\"10.5.1.7\"]}}}");
    private static final String[] TOKENS = {
        "null",
        "true",
        "-1",
        "1e999",
        "[]",
        "{}",
        "\"\"",
        "99999999999999999999",
        "\\u0000",
        "\"10.5.1.300\"",
        "\"::1/200\"",
        "\"../../x\"",
        "\"\\ud800\"",
        "[[[[",
        "}}",
        ",",
        "\"name\"",
        "\"0.9.9\"",
        "\"1.1.0\"",
        "\"ptp\"",
        "\u00e4"
    };

    private CniMutations() {}

    /** Arguments: how many, and the seed. */
    public static void main(String[] arguments) {
        int count = Integer.parseInt(arguments[0]);
        SplittableRandom random = new SplittableRandom(Long.parseLong(arguments[1]));
        CniEngine engine = new CniEngine(() -> "no daemon");
        int bad = 0;
        int refused = 0;
        for (int i = 0; i < count; i++) {
            Invocation call = new Invocation(variables(random), configuration(random));
            CniAnswer answer = engine.handle(call);
            refused += answer.success() ? 0 : 1;
            String problem = problem(answer);
            if (!problem.isEmpty()) {
                System.out.println(problem + "\n  " + call + "\n  " + answer.stdout());
                if (++bad == 10) {
                    break;
                }
            }
        }
        System.out.println(count + " calls, " + refused + " refused, " + bad + " answered wrongly");
        System.exit(bad == 0 ? 0 : 1);
    }

    /** What is wrong with an answer; empty when nothing is. */
    static String problem(CniAnswer answer) {
        if (answer.success()) {
            return "";
        }
        try {
            JsonNode error = JSON.readTree(answer.stdout());
            String message = error.path("msg").asText();
            if (!error.path("code").isInt() || error.path("code").asInt() <= 0 || message.isEmpty()) {
                return "no code or no message";
            }
            if (!error.path("cniVersion").asText().matches("[0-9.]+")) {
                return "no version";
            }
            return error.path("code").asInt() == 999 || message.contains("Exception") || message.contains("\n\tat ")
                    ? "the engine failed"
                    : "";
        } catch (java.io.IOException e) {
            return "not JSON";
        }
    }

    private static Map<String, String> variables(SplittableRandom random) {
        Map<String, String> variables = new TreeMap<>();
        variables.put("CNI_COMMAND", COMMANDS[random.nextInt(COMMANDS.length)]);
        variables.put("CNI_CONTAINERID", sometimes(random, "c" + random.nextInt(50)));
        variables.put("CNI_IFNAME", sometimes(random, "eth0"));
        variables.put("CNI_NETNS", sometimes(random, random.nextBoolean() ? "/run/none" : ""));
        variables.put("CNI_ARGS", sometimes(random, "IP=10.5.1.4;MAC=02:00:00:00:00:02;IgnoreUnknown=1"));
        variables.put("CNI_PATH", "/nowhere");
        if (random.nextInt(20) == 0) {
            variables.remove(List.copyOf(variables.keySet()).get(random.nextInt(variables.size())));
        }
        return variables;
    }

    /** Usually the value itself. */
    private static String sometimes(SplittableRandom random, String value) {
        return random.nextInt(8) == 0 ? mutate(random, value) : value;
    }

    private static String configuration(SplittableRandom random) {
        String text = CONFIGURATIONS.get(random.nextInt(CONFIGURATIONS.size()));
        for (int changes = random.nextInt(5); changes > 0; changes--) {
            text = mutate(random, text);
        }
        if (random.nextInt(50) == 0) {
            byte[] bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            text = new String(bytes, StandardCharsets.UTF_8);
        }
        return text;
    }

    private static String mutate(SplittableRandom random, String text) {
        int from = random.nextInt(text.length() + 1);
        int to = Math.min(text.length(), from + random.nextInt(12));
        String token = TOKENS[random.nextInt(TOKENS.length)];
        return switch (random.nextInt(6)) {
            case 0 -> text.substring(0, from) + text.substring(to);
            case 1 -> text.substring(0, from) + token + text.substring(to);
            case 2 -> text.substring(0, from) + token + text.substring(from);
            case 3 ->
                text.substring(0, from) + text.substring(from, to).repeat(random.nextInt(1, 40)) + text.substring(to);
            case 4 -> text.substring(0, from);
            default -> replaceValue(random, text, from, token);
        };
    }

    /** Puts a token in the place of the next JSON value. */
    private static String replaceValue(SplittableRandom random, String text, int from, String token) {
        int colon = text.indexOf(':', from);
        int end = colon < 0 ? -1 : text.indexOf(random.nextInt(4) == 0 ? '}' : ',', colon);
        return end < 0 ? text + token : text.substring(0, colon + 1) + token + text.substring(end);
    }
}
