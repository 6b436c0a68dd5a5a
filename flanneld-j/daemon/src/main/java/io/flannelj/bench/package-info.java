/** The data path measured by itself: no kernel, no wire, one thread. */
@NullMarked
package io.flannelj.bench;

import org.jspecify.annotations.NullMarked;
