package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.cni.Invocation;
import io.flannelj.cni.TimeLimits;
import io.flannelj.linux.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Another plugin, which is executed out of CNI_PATH as the specification's section 4 says. */
final class PluginProcess {
    private final String type;
    private final Invocation invocation;

    PluginProcess(String type, Invocation invocation) {
        this.type = type;
        this.invocation = invocation;
    }

    /** The same plugin, about an attachment that the call itself may not name, as GC does not. */
    PluginProcess about(Attachment attachment) {
        Map<String, String> variables = new HashMap<>(invocation.variables());
        variables.put("CNI_CONTAINERID", attachment.containerId());
        variables.put("CNI_IFNAME", attachment.ifName());
        variables.put("CNI_NETNS", attachment.netns());
        return new PluginProcess(type, new Invocation(variables, "", invocation.netnsFile()));
    }

    /** @throws CniException when it is not installed */
    void requireInstalled() throws CniException {
        find();
    }

    /**
     * Runs it to the end.
     *
     * @return what it printed, the runtime's own name for the namespace in it
     * @throws CniException its own error, or that it cannot be found
     */
    String run(String command, ObjectNode conf) throws IOException, CniException {
        ProcessBuilder builder = new ProcessBuilder(find().toString()).redirectError(ProcessBuilder.Redirect.INHERIT);
        Map<String, String> environment = builder.environment();
        Invocation.VARIABLES.forEach(environment::remove);
        environment.putAll(invocation.variables());
        environment.put("CNI_COMMAND", command);
        String named = invocation.variable("CNI_NETNS");
        boolean elsewhere = !invocation.netnsFile().isEmpty() && !named.isEmpty() && !isFile(named);
        String opened = invocation.netnsFile();
        if (elsewhere) {
            environment.put("CNI_NETNS", opened);
        }
        Program.Output output = Program.run(builder, conf.toString(), TimeLimits.OTHER_PLUGIN_SECONDS);
        if (output.exitStatus() != 0) {
            throw failure(command, output.exitStatus(), output.text());
        }
        String answer = output.text().strip();
        return elsewhere ? answer.replace(opened, named) : answer;
    }

    private static boolean isFile(String path) {
        try {
            return Files.exists(Path.of(path));
        } catch (InvalidPathException e) {
            return false;
        }
    }

    private Path find() throws CniException {
        String path = invocation.variable("CNI_PATH");
        if (!type.matches("[A-Za-z0-9_.+-]+")) {
            throw new CniException(CniException.BAD_CONFIG, "\"" + type + "\" is not the name of a plugin");
        }
        try {
            for (String directory : path.split(":", -1)) {
                Path file = Path.of(directory).resolve(type);
                if (!directory.isEmpty() && Files.isExecutable(file) && !Files.isDirectory(file)) {
                    return file;
                }
            }
        } catch (InvalidPathException e) {
            throw new CniException(CniException.BAD_ENVIRONMENT, "CNI_PATH is not a list of folders: " + path, e);
        }
        throw new CniException(
                CniException.BAD_CONFIG,
                "plugin \"" + type + "\" is not in CNI_PATH (" + path + "); install it there or choose another type");
    }

    private CniException failure(String command, int status, String answer) {
        try {
            JsonNode error = Json.object(answer, "its error");
            String details = error.path("details").asText("");
            return new CniException(
                    error.path("code").asInt(CniException.INTERNAL),
                    "plugin " + type + " failed at " + command + ": "
                            + error.path("msg").asText() + (details.isEmpty() ? "" : "; " + details));
        } catch (CniException e) {
            return new CniException(
                    CniException.INTERNAL,
                    "plugin " + type + " ended " + command + " with status " + status + " and without an error object",
                    e);
        }
    }
}
