/** Health, readiness, metrics, status page, and the control socket. */
@NullMarked
package io.flannelj.admin;

import org.jspecify.annotations.NullMarked;
