package io.flannelj.cni;

/**
 * What the plugin answers.
 *
 * @param success whether it exits with status 0
 * @param stdout what it prints: a result, an error object, or nothing
 */
public record CniAnswer(boolean success, String stdout) {}
