/** Parts of the engine that need the kernel. */
@NullMarked
package io.flannelj.cni.engine;

import org.jspecify.annotations.NullMarked;
