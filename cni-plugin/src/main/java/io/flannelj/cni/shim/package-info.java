/**
 * The plugin's process up to the daemon: one program, run natively or on the JVM. It uses little of the Java library, so
 * that it can be compiled to C.
 */
@NullMarked
package io.flannelj.cni.shim;

import org.jspecify.annotations.NullMarked;
