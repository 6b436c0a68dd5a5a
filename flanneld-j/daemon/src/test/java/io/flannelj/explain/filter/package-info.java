@NullMarked
package io.flannelj.explain.filter;

import org.jspecify.annotations.NullMarked;
