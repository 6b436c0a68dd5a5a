/** What the operator says: the daemon's options and the network document. A value that exists is valid. */
@NullMarked
package io.flannelj.config;

import org.jspecify.annotations.NullMarked;
