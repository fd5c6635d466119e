/* TLS of a server's connections, which libmicrohttpd speaks by GnuTLS: versions and ciphers, the
 * certificate of the moment, and whether anything moves.
 *
 * libmicrohttpd (0.9 and 1.0 alike) takes a connection that shakes hands for ready until that is
 * over, and MHD_get_timeout() says 0 all the while: who connects and says nothing would cost a
 * core. So the bytes of each connection go through functions of ours, and the loop waits when
 * nothing has moved for some turns. All on the server's thread. */
#pragma once

#include "chassis/http/certificate.h"

#include <microhttpd.h>

typedef struct {
    ChHttpCertificate *certificate; /* borrowed; NULL: plain HTTP */
    bool moved;                     /* bytes or requests did, in this turn */
    unsigned still_turns;           /* in a row in which nothing did */
} ChHttpTls;

/** One connection's; zeroed where there is no TLS. */
typedef struct {
    ChHttpTls *tls;
    int fd;
    ChHttpKeyPair *shown; /* a reference; NULL: nothing yet */
} ChHttpTlsConnection;

/** For MHD_OPTION_HTTPS_CERT_CALLBACK; a gnutls_certificate_retrieve_function2, for sessions that
 * were begun. */
int ch_http_tls_show(gnutls_session_t session, const gnutls_datum_t *authorities, int authorities_n,
                     const gnutls_pk_algorithm_t *algorithms, int algorithms_n,
                     gnutls_pcert_st **chain, unsigned *chain_n, gnutls_privkey_t *key);

/** A connection was accepted, and its handshake has not begun. */
void ch_http_tls_begin(ChHttpTlsConnection *on, ChHttpTls *tls, struct MHD_Connection *connection,
                       int fd);

/** Its session is gone. */
void ch_http_tls_end(ChHttpTlsConnection *on);

/** A turn of the loop begins. */
void ch_http_tls_turn(ChHttpTls *tls);

/** Whether only an event can bring anything forward, whatever MHD_get_timeout() says. */
bool ch_http_tls_stands_still(const ChHttpTls *tls);
