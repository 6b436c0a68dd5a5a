package io.flannelj.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class OutputFlagTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void jsonGivesATerminalNoOrdersAndMeansTheSame() throws JsonProcessingException {
        String hostile = "n1\u009b2J\u001b]0;x\u0007\u007f\u0085\u202e\u2028\r\n\t\"\\ü→";
        ObjectNode node = JSON.createObjectNode().put(hostile, hostile);
        StringWriter out = new StringWriter();

        OutputFlag.print(new PrintWriter(out, true), node);

        assertThat(out.toString().chars()).allMatch(c -> c == '\n' || c >= ' ' && c < 0x7f || c == 'ü' || c == '→');
        assertThat(out.toString()).contains("\\u009b2J").contains("ü→");
        assertThat(JSON.readTree(out.toString())).isEqualTo(node);
    }
}
