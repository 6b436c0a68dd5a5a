/** What is sent to find out how the tunnels' paths to peers are, and what the answers mean: pure machines. */
@NullMarked
package io.flannelj.probe;

import org.jspecify.annotations.NullMarked;
