package io.flannelj.cli;

import io.flannelj.config.PathOptions;
import io.flannelj.doctor.Diagnosis;
import io.flannelj.doctor.Doctor;
import io.flannelj.doctor.Report;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code flanneld-j report}: one archive with everything that an issue needs. */
@Command(
        name = "report",
        header = "Writes one archive with everything about this node that an issue needs, without secrets.",
        description = {
            "State, peers, metrics and the doctor's findings; links, addresses, routes, rules and kernel parameters; the last"
                    + " lines of the log; the latest dropped packets, without what they carried, and what replay shows. Passwords, keys and tokens are left out. Read it before you give it away: it tells"
                    + " the addresses of nodes and pods. Changes nothing, and sends nothing anywhere.",
            ""
        },
        footer = "Exit status: 0 written, 1 it could not be, 2 wrong options.")
final class ReportCommand extends HostCommand {
    private static final DateTimeFormatter DAY =
            DateTimeFormatter.ofPattern("yyyyMMdd").withZone(ZoneOffset.UTC);

    private final Map<String, String> environment;
    private final String version;
    private final StoreOpener stores;

    @Option(names = "--directory", paramLabel = "DIR", description = "where the archive goes (the working directory)")
    private Path directory = Path.of("");

    @Option(names = "--subnet-file", paramLabel = "FILE", description = "as the daemon's (/run/flannel/subnet.env)")
    private String subnetFile = "";

    @Option(names = "--state-dir", paramLabel = "DIR", description = "as the daemon's (/var/lib/flannel-j)")
    private String stateDirectory = "";

    @Mixin
    private StoreFlags store = new StoreFlags();

    ReportCommand(
            Map<String, String> environment, PrintWriter out, PrintWriter err, String version, StoreOpener stores) {
        super(out, err, REFUSED);
        this.environment = environment;
        this.version = version;
        this.stores = stores;
    }

    @Override
    int run() throws RefusedException {
        Instant now = Instant.now();
        byte[] random = new byte[4];
        new SecureRandom().nextBytes(random);
        String id =
                "flanneld-j-report-" + DAY.format(now) + "-" + HexFormat.of().formatHex(random);
        Path archive = directory.resolve(id + ".tar.gz");
        try {
            new Report()
                    .with(
                            "report.txt",
                            id + "\n" + now + "\nflanneld-j " + version + "\nJava " + System.getProperty("java.version")
                                    + "\n")
                    .with("doctor.txt", doctor())
                    .with("status.json", asked("/v1/status"))
                    .with("peers.json", asked("/v1/peers"))
                    .with("explain.json", asked("/v1/explain"))
                    .with("metrics.txt", asked("/metrics"))
                    .with("drops.jsonl", drops())
                    .withEvents(paths().stateDirectory())
                    .withHost(paths().subnetFile())
                    .write(archive, id, now);
            out.println("wrote " + archive.toAbsolutePath());
            out.println("id " + id + ": quote it in the issue, and attach the archive once you have read it");
            return GOOD;
        } catch (IOException e) {
            throw new RefusedException(
                    archive + " cannot be written: " + reason(e) + "; --directory names another place");
        }
    }

    private PathOptions paths() {
        return PathOptions.of(instance.instance(), subnetFile, stateDirectory);
    }

    /** What is the matter; the JDK's message is the file's name alone where it has been refused. */
    private static String reason(IOException e) {
        return e instanceof NoSuchFileException
                ? "there is no such directory"
                : e instanceof AccessDeniedException ? "permission denied" : String.valueOf(e.getMessage());
    }

    private String doctor() {
        return Doctor.look(
                        DoctorCommand.askDaemon(instance), paths().subnetFile(), () -> store.open(environment, stores))
                .stream()
                .map(ReportCommand::line)
                .collect(Collectors.joining());
    }

    private static String line(Diagnosis diagnosis) {
        return diagnosis.verdict().label() + " " + diagnosis.subject() + ": " + diagnosis.evidence()
                + (diagnosis.remedy().isEmpty() ? "" : "; remedy: " + diagnosis.remedy()) + "\n";
    }

    /** The latest drops, without what the packets carried. */
    private String drops() {
        StringWriter text = new StringWriter();
        PrintWriter to = new PrintWriter(text);
        int unused = new picocli.CommandLine(new ObserveCommand(to, to))
                .execute("--dropped", "--output=json", "--control-socket=" + instance.controlSocket());
        return text.toString();
    }

    private String asked(String path) {
        try {
            return daemon().get(path);
        } catch (IOException e) {
            return e.getMessage() + "\n";
        }
    }
}
