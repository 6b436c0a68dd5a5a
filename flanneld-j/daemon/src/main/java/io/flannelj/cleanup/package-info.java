/** What a daemon that is gone left on the host, and how it goes. */
@NullMarked
package io.flannelj.cleanup;

import org.jspecify.annotations.NullMarked;
