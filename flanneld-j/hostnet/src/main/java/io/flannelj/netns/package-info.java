/** Network namespaces, and the threads that may enter them. */
@NullMarked
package io.flannelj.netns;

import org.jspecify.annotations.NullMarked;
