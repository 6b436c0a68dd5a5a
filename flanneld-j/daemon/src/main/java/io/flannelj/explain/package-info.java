/**
 * Which link of the way from one pod to another is broken: facts are gathered on each of the two nodes, each link is judged by a
 * pure function of them, and the first broken one is named with its remedy.
 */
@NullMarked
package io.flannelj.explain;

import org.jspecify.annotations.NullMarked;
