/* Which addresses are anybody's, and which are our own network's. */
#pragma once

#include <stdbool.h>

struct sockaddr;

/** Whether @address, IPv4 or IPv6, is one of the public Internet: no loopback, private, link-local,
 * shared, documentation, benchmarking, multicast or reserved one (IANA's special-purpose
 * registries), nor an IPv6 one that leads to such an IPv4 one. Any other family is none. */
bool ch_address_is_public(const struct sockaddr *address);
