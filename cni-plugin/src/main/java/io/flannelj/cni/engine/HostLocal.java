package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Addresses out of the node's own subnet, held as files that the host-local plugin understands. */
final class HostLocal implements Ipam {
    private final AddressFiles files;
    private final Attachment attachment;
    private final HostLocalConf conf;

    HostLocal(Attachment attachment, HostLocalConf conf) {
        this.files = new AddressFiles(conf.directory());
        this.attachment = attachment;
        this.conf = conf;
    }

    @Override
    public Grant add() throws IOException, CniException {
        JsonNode dns = dns();
        List<Ip> given = files.reserve(attachment, conf.rangeSets(), conf.requested());
        return new Grant(given, conf.routes(), dns);
    }

    @Override
    public void delete() throws IOException {
        files.release(attachment);
    }

    @Override
    public void check(List<Ip> expected, JsonNode prevResult, List<String> problems) throws IOException {
        List<IpAddress> held = files.held(attachment);
        for (Ip ip : expected) {
            if (!held.contains(ip.address().address())) {
                problems.add("the address " + ip.address().address() + " is not reserved for this container");
            }
        }
    }

    /** What resolv.conf says; empty unless one is configured. */
    private JsonNode dns() throws IOException {
        var dns = Json.MAPPER.createObjectNode();
        if (conf.resolvConf().isEmpty()) {
            return dns;
        }
        List<String> servers = new ArrayList<>();
        List<String> search = new ArrayList<>();
        List<String> options = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(conf.resolvConf()))) {
            List<String> words = List.of(line.strip().split("\\s+", -1));
            List<String> values = words.subList(1, words.size());
            switch (words.get(0)) {
                case "nameserver" -> servers.addAll(values);
                case "search" -> search.addAll(values);
                case "options" -> options.addAll(values);
                case "domain" -> dns.put("domain", String.join(" ", values));
                default -> {} // comments, and what the result has no place for
            }
        }
        dns.set("nameservers", Json.MAPPER.valueToTree(servers));
        dns.set("search", Json.MAPPER.valueToTree(search));
        dns.set("options", Json.MAPPER.valueToTree(options));
        return dns;
    }
}
