package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.cni.Invocation;

/** What the file of an attachment notes of its pod beside the delegate's configuration, for people who ask by name. */
final class PodNote {
    static final String FIELD = "flannel-j";
    static final String NETNS = "netns";
    static final String POD = "pod";
    private static final String NAME = "K8S_POD_NAME";
    private static final String NAMESPACE = "K8S_POD_NAMESPACE";

    private PodNote() {}

    /** The configuration with the note. */
    static ObjectNode addTo(ObjectNode delegate, Attachment attachment, Invocation invocation) {
        String arguments = invocation.variable("CNI_ARGS");
        String name = BridgeConf.argument(arguments, NAME);
        ObjectNode noted = delegate.deepCopy();
        ObjectNode note = noted.putObject(FIELD).put(NETNS, attachment.netns());
        if (!name.isEmpty()) {
            note.put(POD, BridgeConf.argument(arguments, NAMESPACE) + "/" + name);
        }
        return noted;
    }
}
