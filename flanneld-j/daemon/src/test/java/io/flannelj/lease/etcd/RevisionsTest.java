package io.flannelj.lease.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RevisionsTest {
    private final Revisions revisions = new Revisions();

    @Test
    void nothingIsKnownBeforeTheFirstListing() {
        revisions.shown(7);
        assertThat(revisions.lag()).isEmpty();
        revisions.listed(8, 7);
        assertThat(revisions.lag()).hasValue(0);
    }

    @Test
    void theWatchIsBehindWhatAnAnswerHasShownUntilItTellsAsMuch() {
        revisions.listed(8, 0);
        revisions.shown(15);
        assertThat(revisions.lag()).hasValue(7);
        revisions.watched(12);
        assertThat(revisions.lag()).hasValue(3);
        revisions.watched(15);
        assertThat(revisions.lag()).hasValue(0);
    }

    @Test
    void theWatchMayBeAheadOfAllAnswers() {
        revisions.listed(8, 0);
        revisions.watched(20);
        assertThat(revisions.lag()).hasValue(0);
        revisions.watched(19); // an answer that was under way
        assertThat(revisions.lag()).hasValue(0);
    }

    @Test
    void aStoreThatWasRestoredCountsFromThere() {
        revisions.listed(100, 0);
        revisions.shown(120);
        revisions.listed(50, revisions.newest());
        assertThat(revisions.lag()).hasValue(0);
        revisions.shown(51);
        assertThat(revisions.lag()).hasValue(1);
    }

    /** A write may be answered while the list is read. */
    @Test
    void aListingThatAnAnswerOvertookIsNoRestore() {
        revisions.listed(8, 0);
        long before = revisions.newest();
        revisions.shown(11);
        revisions.listed(9, before);
        assertThat(revisions.lag()).hasValue(2);
    }
}
