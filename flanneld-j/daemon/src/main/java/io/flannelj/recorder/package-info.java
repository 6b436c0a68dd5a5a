/**
 * What this node knew and decided, written down as it changed: {@link io.flannelj.recorder.Facts} of one moment, the changes
 * between two, the files that keep them, and what was so at an earlier time.
 */
@NullMarked
package io.flannelj.recorder;

import org.jspecify.annotations.NullMarked;
