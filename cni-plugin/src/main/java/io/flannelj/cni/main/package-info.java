/** The plugin's process on the JVM, which turns to the engine when no daemon answers. */
@NullMarked
package io.flannelj.cni.main;

import org.jspecify.annotations.NullMarked;
