package io.flannelj.lease.etcd;

import java.util.OptionalLong;

/**
 * How far the watch of leases is behind the store, by etcd's revisions: every answer shows the revision that the whole store
 * has, whichever key was written last. Any thread may tell and ask.
 */
final class Revisions {
    private static final long NONE = -1;

    private long newest;
    private long watched = NONE;

    /** An answer showed that the store is at a revision. */
    synchronized void shown(long revision) {
        newest = Math.max(newest, revision);
    }

    /** The newest revision shown so far; to be asked before a listing. */
    synchronized long newest() {
        return newest;
    }

    /**
     * Everything was listed; a watch goes on from there.
     *
     * @param before the newest revision when the listing was asked for: a store that is not there yet was restored from a
     *     snapshot, and counts from there
     */
    synchronized void listed(long revision, long before) {
        newest = revision < before ? revision : Math.max(newest, revision);
        watched = revision;
    }

    /** The watch has told of all changes up to a revision. */
    synchronized void watched(long revision) {
        newest = Math.max(newest, revision);
        watched = Math.max(watched, revision);
    }

    /** Revisions that the store has shown and the watch has not; empty before the first listing. */
    synchronized OptionalLong lag() {
        return watched == NONE ? OptionalLong.empty() : OptionalLong.of(newest - watched);
    }
}
