/** The composition root: who is made, in which order it starts and stops. */
@NullMarked
package io.flannelj.main;

import org.jspecify.annotations.NullMarked;
