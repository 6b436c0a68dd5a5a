package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.List;

/** Addresses from another IPAM plugin, such as dhcp or static. */
final class IpamPlugin implements Ipam {
    private final PluginProcess process;
    private final ObjectNode conf;

    IpamPlugin(PluginProcess process, ObjectNode conf) {
        this.process = process;
        this.conf = conf;
    }

    @Override
    public Grant add() throws IOException, CniException {
        return Grant.of(Json.object(process.run("ADD", conf), "the IPAM plugin's result"));
    }

    @Override
    public void delete() throws IOException, CniException {
        process.run("DEL", conf);
    }

    @Override
    public void check(List<Ip> expected, JsonNode prevResult, List<String> problems) throws IOException, CniException {
        process.run("CHECK", conf.deepCopy().set("prevResult", prevResult));
    }
}
