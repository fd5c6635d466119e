/* GnuTLS's callbacks. */
#include "chassis/http/tls.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    /* What GnuTLS holds of one record (16 KiB) is read without a byte from the network, by as many
     * turns as the buffer of a request's head has to grow. */
    STILL_TURNS = 4,
};

/* ---- bytes ---- */

static ssize_t pull(gnutls_transport_ptr_t context, void *buffer, size_t bytes)
{
    const ChHttpTlsConnection *on = context;
    ssize_t got = recv(on->fd, buffer, bytes, MSG_DONTWAIT);
    on->tls->moved = on->tls->moved || got >= 0;
    return got;
}

static ssize_t push(gnutls_transport_ptr_t context, const giovec_t *parts, int parts_n)
{
    const ChHttpTlsConnection *on = context;
    const struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts,
                                    .msg_iovlen = (size_t)parts_n };
    ssize_t sent = sendmsg(on->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    on->tls->moved = on->tls->moved || sent >= 0;
    return sent;
}

/* Nobody waits here for long: every socket is one that does not block. */
static int pull_timeout(gnutls_transport_ptr_t context, unsigned ms)
{
    const ChHttpTlsConnection *on = context;
    struct pollfd ready = { .fd = on->fd, .events = POLLIN };
    (void)ms;
    return poll(&ready, 1, 0);
}

/* ---- the certificate ---- */

int ch_http_tls_show(gnutls_session_t session, const gnutls_datum_t *authorities, int authorities_n,
                     const gnutls_pk_algorithm_t *algorithms, int algorithms_n,
                     gnutls_pcert_st **chain, unsigned *chain_n, gnutls_privkey_t *key)
{
    (void)authorities;
    (void)authorities_n;
    (void)algorithms;
    (void)algorithms_n;
    ChHttpTlsConnection *on = gnutls_transport_get_ptr(session);
    if (on->shown == NULL)
        on->shown = ch_http_certificate_show(on->tls->certificate);
    *chain = on->shown->chain;
    *chain_n = on->shown->chain_n;
    *key = on->shown->key;
    return 0;
}

/* ---- connections and turns ---- */

void ch_http_tls_begin(ChHttpTlsConnection *on, ChHttpTls *tls, struct MHD_Connection *connection,
                       int fd)
{
    if (tls->certificate == NULL)
        return;
    *on = (ChHttpTlsConnection){ .tls = tls, .fd = fd };
    tls->moved = true;
    gnutls_session_t session =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
    gnutls_transport_set_ptr(session, on);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_pull_timeout_function(session, pull_timeout);
    gnutls_transport_set_vec_push_function(session, push);
}

void ch_http_tls_end(ChHttpTlsConnection *on)
{
    ch_http_key_pair_unref(on->shown);
}

void ch_http_tls_turn(ChHttpTls *tls)
{
    tls->still_turns = tls->moved ? 0 : MIN(tls->still_turns + 1, STILL_TURNS);
    tls->moved = false;
}

bool ch_http_tls_stands_still(const ChHttpTls *tls)
{
    return tls->certificate != NULL && !tls->moved && tls->still_turns == STILL_TURNS;
}
