package io.flannelj.doctor;

import java.util.List;
import java.util.regex.Pattern;

/** Takes secrets out of text that others shall read: passwords, keys and tokens, wherever they stand in it. */
final class Secrets {
    private static final String GONE = "(left out)";

    private record Form(Pattern pattern, String instead) {
        static Form of(String pattern, String instead) {
            return new Form(Pattern.compile(pattern, Pattern.CASE_INSENSITIVE), instead);
        }
    }

    private static final List<Form> FORMS = List.of(
            Form.of("(?s)-----BEGIN ([A-Z ]+)-----.*?(-----END \\1-----|\\z)", GONE),
            Form.of("([a-z][a-z0-9+.-]*://)[^/\\s@\"']+@", "$1" + GONE + "@"),
            Form.of("\\b(bearer|basic)\\s+[A-Za-z0-9+/=._~-]+", "$1 " + GONE),
            Form.of("\\beyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_.-]+", GONE),
            Form.of(
                    "(\"[a-z0-9_.-]*(?:password|passwd|secret|token|psk|private-?key|key-data)\"\\s*:\\s*)\"(?:[^\"\\\\]|\\\\.)*\"",
                    "$1\"" + GONE + "\""),
            Form.of(
                    "([a-z0-9_.-]*(?:password|passwd|secret|token|psk|private-?key|key-data))(\\s*[=:]\\s*|\\s+)(\"[^\"]*\"|'[^']*'|[^\\s\"',;]+)",
                    "$1$2" + GONE));

    private Secrets() {}

    /** The same text without them. Rather too much goes than too little. */
    static String leaveOut(String text) {
        String without = text;
        for (Form form : FORMS) {
            without = form.pattern().matcher(without).replaceAll(form.instead());
        }
        return without;
    }
}
