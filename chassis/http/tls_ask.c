/* A client of GnuTLS. */
#include "chassis/http/tls_ask.h"

#include <gnutls/gnutls.h>
#include <string.h>

enum {
    HANDSHAKE_MS = 3000,
};

static bool shake_hands(gnutls_session_t session)
{
    int fault;
    do {
        fault = gnutls_handshake(session);
    } while (fault == GNUTLS_E_INTERRUPTED);
    return fault == GNUTLS_E_SUCCESS;
}

static bool exchange(gnutls_session_t session, const char *request, char *answer, size_t bytes)
{
    size_t length = strlen(request);
    size_t read = 0;
    if (!shake_hands(session) || gnutls_record_send(session, request, length) != (ssize_t)length)
        return false;
    while (read < bytes) {
        ssize_t got = gnutls_record_recv(session, answer + read, bytes - read);
        if (got <= 0)
            return false;
        read += (size_t)got;
    }
    return true;
}

bool ch_http_tls_ask(int fd, const char *request, char *answer, size_t bytes)
{
    gnutls_certificate_credentials_t nobodys;
    gnutls_session_t session;
    if (gnutls_certificate_allocate_credentials(&nobodys) < 0)
        return false;
    bool answered = false;
    if (gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL) == 0) {
        gnutls_set_default_priority(session);
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, nobodys);
        gnutls_transport_set_int(session, fd);
        gnutls_handshake_set_timeout(session, HANDSHAKE_MS);
        answered = exchange(session, request, answer, bytes);
        gnutls_deinit(session);
    }
    gnutls_certificate_free_credentials(nobodys);
    return answered;
}
