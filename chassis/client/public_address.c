/* The special-purpose networks of RFC 6890 and its registries. */
#include "chassis/client/public_address.h"

#include <glib.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

typedef struct {
    uint8_t bytes[16];
    unsigned bits;
} Network;

static const Network special_v4[] = {
    { { 0 }, 8 },             /* this network */
    { { 10 }, 8 },            /* private */
    { { 100, 64 }, 10 },      /* shared by carriers */
    { { 127 }, 8 },           /* loopback */
    { { 169, 254 }, 16 },     /* link-local, and the metadata of clouds */
    { { 172, 16 }, 12 },      /* private */
    { { 192, 0, 0 }, 24 },    /* protocol assignments */
    { { 192, 0, 2 }, 24 },    /* documentation */
    { { 192, 88, 99 }, 24 },  /* 6to4 relays */
    { { 192, 168 }, 16 },     /* private */
    { { 198, 18 }, 15 },      /* benchmarking */
    { { 198, 51, 100 }, 24 }, /* documentation */
    { { 203, 0, 113 }, 24 },  /* documentation */
    { { 224 }, 3 },           /* multicast, reserved, broadcast */
};

/* Where an IPv4 address begins inside an IPv6 one of these networks. */
static const struct {
    Network network;
    size_t at;
} embedding[] = {
    { { { [10] = 0xff, [11] = 0xff }, 96 }, 12 }, /* IPv4-mapped */
    { { { 0x00, 0x64, 0xff, 0x9b }, 96 }, 12 },   /* NAT64 */
    { { { 0x20, 0x02 }, 16 }, 2 },                /* 6to4 */
};

static const Network global_v6 = { { 0x20 }, 3 }; /* all that is assigned so far */

static const Network special_v6[] = {
    { { 0x20, 0x01 }, 23 },             /* protocol assignments, Teredo among them */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
    { { 0x3f, 0xff }, 20 },             /* documentation */
    { { 0x5f }, 16 },                   /* segment routing */
};

static bool is_within(const uint8_t *address, const Network *network)
{
    size_t whole = network->bits / 8;
    if (memcmp(address, network->bytes, whole) != 0)
        return false;
    unsigned rest = network->bits % 8;
    return rest == 0 || (address[whole] ^ network->bytes[whole]) >> (8 - rest) == 0;
}

static bool is_public_v4(const uint8_t *address)
{
    for (size_t i = 0; i < G_N_ELEMENTS(special_v4); i++) {
        if (is_within(address, &special_v4[i]))
            return false;
    }
    return true;
}

static bool is_public_v6(const uint8_t *address)
{
    for (size_t i = 0; i < G_N_ELEMENTS(embedding); i++) {
        if (is_within(address, &embedding[i].network))
            return is_public_v4(address + embedding[i].at);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(special_v6); i++) {
        if (is_within(address, &special_v6[i]))
            return false;
    }
    return is_within(address, &global_v6);
}

bool ch_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        return is_public_v4((const uint8_t *)&v4.sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        return is_public_v6(v6.sin6_addr.s6_addr);
    }
    return false;
}
