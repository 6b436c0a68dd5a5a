/** The plugin's process: the thin client of the daemon, which turns to the engine when no daemon answers. */
@NullMarked
package io.flannelj.cni.main;

import org.jspecify.annotations.NullMarked;
