package io.flannelj.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/** A certificate authority of the laboratory's own, by openssl, whose certificates end when a test wants them to. */
public final class Authority {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);
    private static final Duration LONG = Duration.ofDays(30);

    private final Path directory;

    /** A certificate and its private key, PEM. */
    public record Pair(Path certificate, Path key) {}

    Authority(Path directory) {
        this.directory = directory;
        try {
            Files.createDirectories(directory);
            Files.writeString(directory.resolve("index.txt"), "");
            Files.writeString(directory.resolve("ca.cnf"), """
                    [ca]
                    default_ca = lab
                    [lab]
                    new_certs_dir = %1$s
                    database = %1$s/index.txt
                    certificate = %1$s/ca.pem
                    private_key = %1$s/ca-key.pem
                    rand_serial = yes
                    default_md = sha256
                    copy_extensions = copy
                    unique_subject = no
                    policy = any
                    [any]
                    commonName = supplied
                    """.formatted(directory));
        } catch (IOException e) {
            throw new LabException("cannot write " + directory, e);
        }
        Commands.require(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-subj",
                "/CN=laboratory",
                "-days",
                "30",
                "-keyout",
                file("ca-key.pem"),
                "-out",
                file("ca.pem"));
    }

    private String file(String name) {
        return directory.resolve(name).toString();
    }

    /** Its own certificate, PEM. */
    public Path certificate() {
        return directory.resolve("ca.pem");
    }

    /** A certificate for whoever is at {@code address}, which lasts. */
    public Pair issue(String name, String address) {
        return issue(name, address, LONG);
    }

    /** The same, which ends after {@code life}. One that was issued under this name is replaced in its files. */
    public Pair issue(String name, String address, Duration life) {
        Instant now = Instant.now();
        Commands.require(
                "openssl",
                "req",
                "-new",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-subj",
                "/CN=" + name,
                "-addext",
                "subjectAltName=IP:" + address,
                "-keyout",
                file(name + "-key.pem"),
                "-out",
                file(name + ".csr"));
        Commands.require(
                "openssl",
                "ca",
                "-batch",
                "-notext",
                "-config",
                file("ca.cnf"),
                "-in",
                file(name + ".csr"),
                "-out",
                file(name + ".pem"),
                "-startdate",
                TIME.format(now.minusSeconds(60)),
                "-enddate",
                TIME.format(now.plus(life)));
        return new Pair(directory.resolve(name + ".pem"), directory.resolve(name + "-key.pem"));
    }
}
