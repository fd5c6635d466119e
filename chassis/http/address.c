/* IPv4 inside of IPv6. */
#include "chassis/http/address.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>

static ChHttpAddress mapped(const struct in_addr *v4)
{
    ChHttpAddress address = { .bytes = { [10] = 0xFF, [11] = 0xFF } };
    memcpy(address.bytes + 12, v4, 4);
    return address;
}

bool ch_http_address_is_v4(const ChHttpAddress *address)
{
    const ChHttpAddress prefix = { .bytes = { [10] = 0xFF, [11] = 0xFF } };
    return memcmp(address->bytes, prefix.bytes, 12) == 0;
}

ChHttpAddress ch_http_address_of(const struct sockaddr *address)
{
    ChHttpAddress result = { .bytes = { 0 } };
    if (address == NULL)
        return result;
    if (address->sa_family == AF_INET)
        return mapped(&((const struct sockaddr_in *)(const void *)address)->sin_addr);
    if (address->sa_family == AF_INET6)
        memcpy(result.bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    return result;
}

uint64_t ch_http_address_number(const ChHttpAddress *address)
{
    uint64_t number = 0;
    memcpy(&number, ch_http_address_is_v4(address) ? address->bytes + 8 : address->bytes,
           sizeof number);
    return number;
}

void ch_http_address_format(const ChHttpAddress *address, char text[CH_HTTP_ADDRESS_TEXT_BYTES])
{
    const char *formatted =
        ch_http_address_is_v4(address)
            ? inet_ntop(AF_INET, address->bytes + 12, text, CH_HTTP_ADDRESS_TEXT_BYTES)
            : inet_ntop(AF_INET6, address->bytes, text, CH_HTTP_ADDRESS_TEXT_BYTES);
    g_assert(formatted != NULL);
}

bool ch_http_address_parse(const char *text, ChHttpAddress *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        *address = mapped(&v4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return false;
    memcpy(address->bytes, &v6, sizeof v6);
    return true;
}
