/* Addresses, networks, and the headers that proxies write. */
#include "chassis/http/proxies.h"

#include <string.h>

enum {
    MAX_NETWORKS = 32,
    MAX_HOPS = 16, /* of a header; what stands before is not looked at */
    V4_BITS = 96,  /* in front of an IPv4 address that is mapped */
};

typedef struct {
    ChHttpAddress address;
    unsigned bits;
} Network;

struct ChHttpProxies {
    Network networks[MAX_NETWORKS];
    size_t n;
};

/* ---- networks ---- */

static bool parse_network(char *text, Network *network)
{
    char *slash = strchr(text, '/');
    if (slash != NULL)
        *slash++ = '\0';
    if (!ch_http_address_parse(text, &network->address))
        return false;
    unsigned before = ch_http_address_is_v4(&network->address) ? V4_BITS : 0;
    guint64 bits = 128 - before;
    if (slash != NULL && !g_ascii_string_to_unsigned(slash, 10, 0, 128 - before, &bits, NULL))
        return false;
    network->bits = before + (unsigned)bits;
    return true;
}

static bool holds(const Network *network, const ChHttpAddress *address)
{
    unsigned whole = network->bits / 8;
    unsigned rest = network->bits % 8;
    if (memcmp(network->address.bytes, address->bytes, whole) != 0)
        return false;
    unsigned mask = rest == 0 ? 0 : 0xFFu & (0xFFu << (8 - rest));
    return rest == 0 || ((network->address.bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}

static bool is_trusted(const ChHttpProxies *proxies, const ChHttpAddress *address)
{
    for (size_t i = 0; i < proxies->n; i++) {
        if (holds(&proxies->networks[i], address))
            return true;
    }
    return false;
}

ChHttpProxies *ch_http_proxies_new(const char *text, GError **error)
{
    g_autoptr(ChHttpProxies) proxies = g_new0(ChHttpProxies, 1);
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    for (size_t i = 0; *text != '\0' && parts[i] != NULL; i++) {
        const char *part = g_strstrip(parts[i]);
        g_autofree char *written = g_strdup(part);
        if (proxies->n == MAX_NETWORKS ||
            !parse_network(parts[i] + (part - parts[i]), &proxies->networks[proxies->n])) {
            g_set_error(error, CH_ERROR, CH_ERROR_CONFIG,
                        "TRUSTED_PROXIES: \"%s\" is neither an address nor a network: expected at "
                        "most %d, as 10.0.0.0/8, ::1",
                        written, MAX_NETWORKS);
            return NULL;
        }
        proxies->n++;
    }
    return g_steal_pointer(&proxies);
}

void ch_http_proxies_free(ChHttpProxies *proxies)
{
    g_free(proxies);
}

/* ---- headers ---- */

/* "1.2.3.4", "1.2.3.4:5", "[::1]", "[::1]:5", "::1", each of them quoted or not. */
static bool parse_node(char *text, ChHttpAddress *address)
{
    text = g_strstrip(text);
    size_t bytes = strlen(text);
    if (bytes >= 2 && text[0] == '"' && text[bytes - 1] == '"') {
        text[bytes - 1] = '\0';
        text++;
    }
    char *end = text[0] == '[' ? strchr(text, ']') : NULL;
    if (end != NULL) {
        *end = '\0';
        return ch_http_address_parse(text + 1, address);
    }
    char *colon = strchr(text, ':');
    if (colon != NULL && strchr(colon + 1, ':') == NULL) /* one: a port behind an IPv4 address */
        *colon = '\0';
    return ch_http_address_parse(text, address);
}

/* One element of Forwarded, "for=1.2.3.4;proto=https". */
static bool parse_element(const char *text, ChHttpAddress *address)
{
    g_auto(GStrv) pairs = g_strsplit(text, ";", 8);
    for (size_t i = 0; pairs[i] != NULL; i++) {
        char *pair = g_strstrip(pairs[i]);
        if (g_ascii_strncasecmp(pair, "for=", 4) == 0)
            return parse_node(pair + 4, address);
    }
    return false;
}

ChHttpAddress ch_http_proxies_client(const ChHttpProxies *proxies, const ChHttpRequest *request,
                                     const ChHttpAddress *peer)
{
    ChHttpAddress client = *peer;
    if (proxies == NULL || proxies->n == 0 || !is_trusted(proxies, peer))
        return client;
    /* All lines: a proxy may add its word in one of its own, behind what the client says itself. */
    g_autofree char *forwarded = ch_http_request_headers(request, "Forwarded");
    g_autofree char *others = ch_http_request_headers(request, "X-Forwarded-For");
    const char *header = forwarded != NULL ? forwarded : others;
    g_auto(GStrv) hops = g_strsplit(header != NULL ? header : "", ",", -1);
    size_t n = g_strv_length(hops);
    for (size_t i = 0; i < MIN(n, (size_t)MAX_HOPS); i++) {
        char *hop = hops[n - 1 - i];
        bool read = forwarded != NULL ? parse_element(hop, &client) : parse_node(hop, &client);
        if (!read || !is_trusted(proxies, &client))
            return client;
    }
    return client;
}
