/* Addresses of the internet. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    CH_HTTP_ADDRESS_TEXT_BYTES = 46, /* INET6_ADDRSTRLEN */
};

/** An address as 16 bytes; those of IPv4 are mapped into IPv6. */
typedef struct {
    uint8_t bytes[16];
} ChHttpAddress;

/** Of a connection; all zero when there is none. */
ChHttpAddress ch_http_address_of(const struct sockaddr *address);

/** As a number by which clients are told apart: all of IPv4, the network of IPv6, which is one
 * client's. */
uint64_t ch_http_address_number(const ChHttpAddress *address);

void ch_http_address_format(const ChHttpAddress *address, char text[CH_HTTP_ADDRESS_TEXT_BYTES]);

/** Reads "203.0.113.7" or "2001:db8::1". False: it is neither, and *address is as before. */
bool ch_http_address_parse(const char *text, ChHttpAddress *address);

bool ch_http_address_is_v4(const ChHttpAddress *address);
