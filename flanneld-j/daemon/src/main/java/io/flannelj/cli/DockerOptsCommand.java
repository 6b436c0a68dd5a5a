package io.flannelj.cli;

import io.flannelj.net.Cidr;
import io.flannelj.net.WholeFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code flanneld-j docker-opts}: flannel's mk-docker-opts.sh, with the same flags, and with {@code --whole-subnet} the same
 * output. */
@Command(
        name = "docker-opts",
        header = "Writes what dockerd needs to use this node's subnet, as flannel's mk-docker-opts.sh does.",
        footer = "Exit status: 0 written, 1 the subnet file cannot be used or the output not be written.")
final class DockerOptsCommand implements Callable<Integer> {
    private static final int FAILED = 1;

    private final PrintWriter out;
    private final PrintWriter err;

    @Option(names = "-f", paramLabel = "FILE", description = "subnet file (default: ${DEFAULT-VALUE})")
    Path subnetFile = Path.of("/run/flannel/subnet.env");

    @Option(names = "-d", paramLabel = "FILE", description = "file to write (default: ${DEFAULT-VALUE})")
    Path output = Path.of("/run/docker_opts.env");

    @Option(names = "-i", description = "only one variable an option; neither -i nor -c writes both forms")
    boolean individual;

    @Option(names = "-c", description = "only one variable with all options")
    boolean combined;

    @Option(names = "-k", paramLabel = "NAME", description = "name of that variable (default: ${DEFAULT-VALUE})")
    String key = "DOCKER_OPTS";

    @Option(names = "-m", description = "without --ip-masq")
    boolean withoutMasquerade;

    @Option(
            names = "--whole-subnet",
            description =
                    "docker takes addresses of the whole subnet, as with flannel; else of the lower half, since the"
                            + " CNI plugin gives pods on docker0 those of the upper one")
    boolean wholeSubnet;

    @Mixin
    HelpFlag help = new HelpFlag();

    DockerOptsCommand(PrintWriter out, PrintWriter err) {
        this.out = out;
        this.err = err;
    }

    @Override
    public Integer call() {
        Map<String, String> values;
        try {
            values = DockerOpts.variables(WholeFile.read(subnetFile));
        } catch (IOException e) {
            return refused(subnetFile + " cannot be read (" + reason(e)
                    + "): flanneld-j writes it when it has a lease; is it running, and ready?");
        }
        try {
            Map<String, String> options = DockerOpts.options(values, !withoutMasquerade, !wholeSubnet);
            String before = System.getenv().getOrDefault(key, "");
            Files.writeString(
                    output, DockerOpts.text(options, individual || !combined, combined || !individual, key, before));
            out.println("wrote " + output + ": " + String.join(" ", options.values()));
            out.flush();
            return 0;
        } catch (IOException e) {
            return refused(
                    output + " cannot be written (" + reason(e) + "): run it as root, or name another file by -d");
        } catch (IllegalArgumentException e) {
            return refused(subnetFile + ": " + e.getMessage());
        }
    }

    /** The JDK's own messages repeat the file's name, and nothing else where there is none. */
    private static String reason(IOException e) {
        return e instanceof NoSuchFileException
                ? "there is no such file or folder"
                : e instanceof AccessDeniedException ? "permission denied" : String.valueOf(e.getMessage());
    }

    private int refused(String message) {
        err.println("docker-opts: " + message);
        err.flush();
        return FAILED;
    }

    /** What is written, apart from where. */
    static final class DockerOpts {
        private DockerOpts() {}

        static Map<String, String> variables(String file) {
            Map<String, String> values = new TreeMap<>();
            for (String line : file.lines().toList()) {
                int equals = line.indexOf('=');
                if (equals > 0) {
                    values.put(
                            line.substring(0, equals).trim(),
                            line.substring(equals + 1).trim());
                }
            }
            return values;
        }

        /**
         * Options by the names of their variables, in the order that the shell would list them.
         *
         * @throws IllegalArgumentException naming the value that cannot be used
         */
        static Map<String, String> options(Map<String, String> values, boolean masquerade, boolean share) {
            Map<String, String> options = new TreeMap<>();
            String subnet = values.getOrDefault("FLANNEL_SUBNET", "");
            if (!subnet.isEmpty()) {
                options.put("DOCKER_OPT_BIP", "--bip=" + subnet);
                if (share) {
                    options.put(
                            "DOCKER_OPT_FIXED_CIDR",
                            "--fixed-cidr=" + Cidr.parse(subnet).lowerHalf());
                }
            }
            String mtu = values.getOrDefault("FLANNEL_MTU", "");
            if (!mtu.isEmpty()) {
                options.put("DOCKER_OPT_MTU", "--mtu=" + mtu);
            }
            String ipMasq = values.getOrDefault("FLANNEL_IPMASQ", "");
            if (masquerade && !ipMasq.isEmpty()) {
                if (!ipMasq.equals("true") && !ipMasq.equals("false")) {
                    throw new IllegalArgumentException("FLANNEL_IPMASQ must be true or false, was " + ipMasq);
                }
                options.put("DOCKER_OPT_IPMASQ", "--ip-masq=" + ipMasq.equals("false")); // one of the two does it
            }
            return options;
        }

        static String text(
                Map<String, String> options, boolean individual, boolean combined, String key, String before) {
            StringBuilder text = new StringBuilder();
            if (individual) {
                options.forEach((name, option) ->
                        text.append(name).append("=\"").append(option).append("\"\n"));
            }
            if (combined) {
                StringBuilder all = new StringBuilder(before);
                options.values().forEach(option -> all.append(' ').append(option));
                text.append(key).append("=\"").append(all).append("\"\n");
            }
            return text.toString();
        }
    }
}
