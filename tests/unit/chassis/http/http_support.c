/* A raw HTTP client over a socket. */
#include "http_support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Client must_connect(uint16_t port)
{
    return must_connect_from(INADDR_LOOPBACK, port);
}

Client must_connect_from(uint32_t source, uint16_t port)
{
    struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr = { htonl(source) } };
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr = { htonl(INADDR_LOOPBACK) } };
    Client client = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                      .received = g_string_new(NULL) };
    union {
        struct sockaddr_in v4;
        struct sockaddr any;
    } any = { .v4 = own };
    g_assert_cmpint(client.fd, >=, 0);
    g_assert_cmpint(bind(client.fd, &any.any, sizeof(own)), ==, 0);
    any.v4 = address;
    g_assert_cmpint(connect(client.fd, &any.any, sizeof(address)), ==, 0);
    return client;
}

void client_close(Client *client)
{
    close(client->fd);
    g_string_free(client->received, TRUE);
}

bool client_send(Client *client, const char *text, size_t bytes)
{
    while (bytes > 0) {
        ssize_t sent = send(client->fd, text, bytes, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        text += sent;
        bytes -= (size_t)sent;
    }
    return true;
}

void client_send_text(Client *client, const char *text)
{
    g_assert_true(client_send(client, text, strlen(text)));
}

/* Reads some; false at the end. */
static bool receive(Client *client)
{
    struct pollfd poll_for = { .fd = client->fd, .events = POLLIN };
    if (poll(&poll_for, 1, SUPPORT_DEADLINE_MS) != 1)
        g_error("no answer within %d ms; so far: %s", SUPPORT_DEADLINE_MS, client->received->str);
    char bytes[16384];
    ssize_t n = recv(client->fd, bytes, sizeof(bytes), 0);
    if (n <= 0)
        return false;
    g_string_append_len(client->received, bytes, n);
    return true;
}

char *reply_header(const Reply *reply, const char *name)
{
    g_autofree char *start = g_strdup_printf("\n%s:", name);
    const char *found = strstr(reply->head, start);
    if (found == NULL)
        return NULL;
    found += strlen(start);
    return g_strstrip(g_strndup(found, strcspn(found, "\r\n")));
}

static char *lower_names(const char *head)
{
    g_auto(GStrv) lines = g_strsplit(head, "\n", -1);
    for (size_t i = 1; lines[i] != NULL; i++) {
        for (char *c = lines[i]; *c != '\0' && *c != ':'; c++)
            *c = g_ascii_tolower(*c);
    }
    return g_strjoinv("\n", lines);
}

bool client_read(Client *client, bool head_only, Reply *reply)
{
    *reply = (Reply){ 0 };
    const char *end = NULL;
    while ((end = strstr(client->received->str, "\r\n\r\n")) == NULL) {
        if (!receive(client))
            return false;
    }
    size_t head_bytes = (size_t)(end - client->received->str) + 4;
    g_autofree char *head = g_strndup(client->received->str, head_bytes);
    reply->head = lower_names(head);
    g_assert_cmpint(sscanf(reply->head, "HTTP/1.%*c %u", &reply->status), ==, 1);
    g_autofree char *length = reply_header(reply, "content-length");
    size_t body_bytes =
        length == NULL || head_only ? 0 : (size_t)g_ascii_strtoull(length, NULL, 10);
    while (client->received->len < head_bytes + body_bytes)
        g_assert_true(receive(client));
    reply->body = g_strndup(client->received->str + head_bytes, body_bytes);
    g_string_erase(client->received, 0, (gssize)(head_bytes + body_bytes));
    return true;
}

void reply_clear(Reply *reply)
{
    g_free(reply->head);
    g_free(reply->body);
    *reply = (Reply){ 0 };
}

bool client_sees_end(Client *client)
{
    while (receive(client))
        continue;
    /* libmicrohttpd writes the head of its own error answers twice */
    return strstr(client->received->str, "HTTP/1.1 2") == NULL;
}

unsigned status_of(uint16_t port, const char *text)
{
    Client client = must_connect(port);
    Reply reply = { 0 };
    client_send_text(&client, text);
    if (!client_read(&client, g_str_has_prefix(text, "HEAD"), &reply))
        reply.status = 0;
    unsigned status = reply.status;
    reply_clear(&reply);
    client_close(&client);
    return status;
}

void wait_until(bool (*condition)(void *context), void *context)
{
    int64_t deadline_us = g_get_monotonic_time() + (int64_t)SUPPORT_DEADLINE_MS * 1000;
    while (!condition(context)) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
        g_usleep(1000);
    }
}
