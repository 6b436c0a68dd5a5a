package io.flannelj.net;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlainTextTest {
    @ParameterizedTest
    @CsvSource({
        "'a\nb',a\\nb",
        "'a\r\nb',a\\r\\nb",
        "'\u001b[2Jx',\\u001b[2Jx",
        "'\u0000',\\u0000",
        "'\u0085\u2028\u2029',\\u0085\\u2028\\u2029",
        "'\u202eabc',\\u202eabc",
        "'\u200b',\\u200b",
        "'C:\\n',C:\\n",
        "'Größe → 日本',Größe → 日本"
    })
    void oneLineStaysOneLine(String text, String escaped) {
        assertThat(PlainText.escape(text)).isEqualTo(escaped);
    }

    @Test
    void whatIsPlainIsNotCopied() {
        String text = "plain, → as it is";
        assertThat(PlainText.escape(text)).isSameAs(text);
    }

    @Test
    void longTextsSayHowLongTheyAre() {
        assertThat(PlainText.shorten("x".repeat(1000), 3)).isEqualTo("xxx… (1000 characters)");
        assertThat(PlainText.shorten("xyz", 3)).isEqualTo("xyz");
    }

    @ParameterizedTest
    @CsvSource({
        "finishConnect(..) failed with error(-111): Connection refused, Connection refused",
        "bind(..) failed: Address already in use, Address already in use",
        "'no route (..) failed: here', 'no route (..) failed: here'"
    })
    void aFailedCallLeavesTheKernelsWords(String message, String words) {
        assertThat(PlainText.withoutCall(message)).isEqualTo(words);
    }
}
