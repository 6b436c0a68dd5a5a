/** What the plugin does: parsing, addresses, wiring. Runs in the daemon, or in the plugin's own process. */
@NullMarked
package io.flannelj.cni.engine;

import org.jspecify.annotations.NullMarked;
