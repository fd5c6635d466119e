/* Writing dead letters. */
#include "chassis/runtime/dead_letter_json.h"

#include "chassis/http/page.h"
#include "chassis/json/json_writer.h"

#include <string.h>

enum {
    MAX_BODY_SHOWN = 64 * 1024,
    MAX_UTF8_BYTES = 4,
};

static void add_known(GString *json, const char *key, const char *text)
{
    if (text != NULL)
        ch_json_add_text(json, key, text);
}

static void write_members(GString *json, const ChDeadLetter *letter)
{
    ch_json_add_uuid(json, "id", letter->id);
    ch_json_add_text(json, "queue", letter->queue);
    add_known(json, "type", letter->message_type);
    add_known(json, "messageId", letter->message_id);
    if (!ch_uuid_is_nil(letter->subject))
        ch_json_add_uuid(json, "subject", letter->subject);
    ch_json_add_text(json, "reason", letter->reason);
    ch_json_add_integer(json, "attempts", letter->attempts);
    ch_json_add_time(json, "diedAt", letter->died_us);
    ch_json_add_integer(json, "bodyBytes", letter->body_bytes);
    add_known(json, "bodySha256", letter->body_sha256);
    ch_json_add_text(json, "state", ch_dead_letter_state_name(letter->state));
    if (letter->state == CH_DEAD_LETTER_WAITING)
        return;
    ch_json_add_text(json, "actedBy", letter->acted_by);
    add_known(json, "actedAs", letter->acted_as);
    ch_json_add_text(json, "actedWhy", letter->acted_why);
    ch_json_add_time(json, "actedAt", letter->acted_us);
    if (!ch_uuid_is_nil(letter->replayed_as))
        ch_json_add_uuid(json, "replayedAs", letter->replayed_as);
}

/* How much of the body is text; a character that was cut in two at its end does not count. -1: it
 * is no text. */
static gssize text_bytes(const char *body, size_t bytes, bool cut)
{
    const char *end = NULL;
    if (g_utf8_validate_len(body, bytes, &end))
        return (gssize)bytes;
    size_t valid = (size_t)(end - body);
    return cut && bytes - valid < MAX_UTF8_BYTES ? (gssize)valid : -1;
}

static void write_body(GString *json, const ChDeadLetter *letter)
{
    size_t shown = MIN(letter->body_read, (size_t)MAX_BODY_SHOWN);
    bool cut = (int64_t)shown < letter->body_bytes;
    gssize text = text_bytes(letter->body, shown, cut);
    if (text >= 0) {
        ch_json_add_text_n(json, "body", letter->body, (size_t)text);
    } else {
        g_autofree char *base64 = g_base64_encode((const guchar *)letter->body, shown);
        ch_json_add_text(json, "bodyBase64", base64);
    }
    ch_json_add_bool(json, "bodyCut", cut);
}

static ChUuid write_row(GString *json, const void *row)
{
    const ChDeadLetter *letter = row;
    ch_json_begin_object(json, NULL);
    write_members(json, letter);
    ch_json_end_object(json);
    return letter->id;
}

GString *ch_dead_letter_page_json(const ChHttpRequest *request, const GPtrArray *letters,
                                  size_t limit)
{
    return ch_http_page(request, letters, limit, write_row);
}

/* Bytes as text where that takes no more room than as base64, which is a third more than they are;
 * so does a text of quotes and control characters alone. */
static bool is_short_text(const char *body, size_t bytes)
{
    size_t written = bytes;
    for (size_t i = 0; i < bytes; i++) {
        uint8_t c = (uint8_t)body[i];
        written += c < ' ' ? 5 : c == '"' || c == '\\' ? 1 : 0;
    }
    return written <= bytes + bytes / 3 && g_utf8_validate_len(body, bytes, NULL);
}

static void add_bytes(GString *json, const char *key, const char *base64_key, const char *body,
                      size_t bytes)
{
    if (is_short_text(body, bytes)) {
        ch_json_add_text_n(json, key, body, bytes);
        return;
    }
    g_autofree char *base64 = g_base64_encode((const guchar *)body, bytes);
    ch_json_add_text(json, base64_key, base64);
}

void ch_dead_letter_line_json(GString *json, const ChDeadLetter *letter)
{
    ch_json_begin_object(json, NULL);
    write_members(json, letter);
    add_known(json, "traceparent", letter->traceparent);
    add_bytes(json, "body", "bodyBase64", letter->body == NULL ? "" : letter->body,
              letter->body_read);
    if (letter->edited_body != NULL)
        add_bytes(json, "editedBody", "editedBodyBase64", letter->edited_body,
                  letter->edited_bytes);
    ch_json_end_object(json);
}

GString *ch_dead_letter_json(const ChDeadLetter *letter, const char *blocker)
{
    GString *json = g_string_sized_new(1024 + MIN(letter->body_read, (size_t)MAX_BODY_SHOWN));
    ch_json_begin_object(json, NULL);
    write_members(json, letter);
    add_known(json, "traceparent", letter->traceparent);
    ch_json_add_bool(json, "replayable", blocker == NULL);
    add_known(json, "objection", blocker);
    write_body(json, letter);
    add_known(json, "editedBody", letter->edited_body);
    ch_json_end_object(json);
    return json;
}
