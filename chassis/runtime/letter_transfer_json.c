/* Reading exported letters. */
#include "chassis/runtime/letter_transfer_json.h"

#include "chassis/core/time.h"
#include "chassis/json/json_read.h"
#include "chassis/messaging/event.h"

#include <string.h>

#define MOST_BYTES (INT64_C(1) << 40) /* of a body that is not whole: no broker takes more */

enum {
    MAX_NAME_BYTES = 255, /* of a short string in AMQP */
    MAX_BY_CHARS = 255,   /* of a token's subject */
    MAX_WHY_CHARS = 500,
    MAX_HEADER_CHARS = 2 * 1024, /* what is kept of one (envelope.c), and words about it */
    MAX_BASE64_CHARS = CH_EVENT_MAX_BYTES / 3 * 4 + 4,
    SHA256_CHARS = 64,
};

/* ---- texts ---- */

static void read_text(ChJsonValue root, const char *name, ChJsonNeed need, size_t max_chars,
                      char **text, ChViolations *faults)
{
    const char *found = NULL;
    if (ch_json_read_text(root, name, need, need == CH_JSON_REQUIRED, max_chars, &found, faults))
        *text = g_strdup(found);
}

static void read_name(ChJsonValue root, const char *name, ChJsonNeed need, char **text,
                      ChViolations *faults)
{
    read_text(root, name, need, MAX_NAME_BYTES, text, faults);
    if (*text != NULL && strlen(*text) > MAX_NAME_BYTES)
        ch_json_violation(root, name, faults, "must have at most %d bytes", MAX_NAME_BYTES);
}

static bool read_base64(ChJsonValue root, const char *name, char **bytes, size_t *n,
                        ChViolations *faults)
{
    const char *text = NULL;
    if (!ch_json_read_text(root, name, CH_JSON_OPTIONAL, 0, MAX_BASE64_CHARS, &text, faults))
        return false;
    gsize decoded_n = 0;
    g_autofree guchar *decoded = g_base64_decode(text, &decoded_n);
    g_autofree char *again = g_base64_encode(decoded, decoded_n);
    if (strcmp(again, text) != 0) {
        ch_json_violation(root, name, faults, "must be base64");
        return false;
    }
    *n = decoded_n;
    *bytes = g_malloc0(decoded_n + 1);
    if (decoded_n > 0)
        memcpy(*bytes, decoded, decoded_n);
    return true;
}

/* As text or as base64. False: neither is there, or is right. */
static bool read_bytes(ChJsonValue root, const char *name, const char *base64_name, char **bytes,
                       size_t *n, ChViolations *faults)
{
    const char *text = NULL;
    if (!ch_json_read_text(root, name, CH_JSON_OPTIONAL, 0, CH_EVENT_MAX_BYTES, &text, faults))
        return read_base64(root, base64_name, bytes, n, faults);
    *bytes = g_strdup(text);
    *n = strlen(text);
    if (*n <= CH_EVENT_MAX_BYTES)
        return true;
    ch_json_violation(root, name, faults, "must have at most %d bytes", CH_EVENT_MAX_BYTES);
    return false;
}

/* ---- the parts ---- */

static void check_hash(ChJsonValue root, ChDeadLetter *letter, ChViolations *faults)
{
    bool whole = (int64_t)letter->body_read == letter->body_bytes;
    char *sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)letter->body,
                                               letter->body_read);
    if (letter->body_sha256 == NULL && whole) {
        letter->body_sha256 = sha256;
        return;
    }
    if (letter->body_sha256 == NULL)
        ch_json_violation(root, "bodySha256", faults, "is missing: the body is not whole");
    else if (strlen(letter->body_sha256) != SHA256_CHARS ||
             strspn(letter->body_sha256, "0123456789abcdef") != SHA256_CHARS)
        ch_json_violation(root, "bodySha256", faults, "must be a hash of 64 hexadecimal digits");
    else if (whole && strcmp(letter->body_sha256, sha256) != 0)
        ch_json_violation(root, "body", faults,
                          "is not the one of bodySha256: a letter is edited where it lies");
    g_free(sha256);
}

static void read_body(ChJsonValue root, ChDeadLetter *letter, ChViolations *faults)
{
    if (!read_bytes(root, "body", "bodyBase64", &letter->body, &letter->body_read, faults)) {
        if (ch_violations_count(faults) == 0)
            ch_json_violation(root, "body", faults, "is missing, as is bodyBase64");
        return;
    }
    letter->body_bytes = (int64_t)letter->body_read;
    ch_json_read_integer(root, "bodyBytes", CH_JSON_OPTIONAL, letter->body_bytes, MOST_BYTES,
                         &letter->body_bytes, faults);
    read_name(root, "bodySha256", CH_JSON_OPTIONAL, &letter->body_sha256, faults);
    check_hash(root, letter, faults);
}

/* What cannot have happened yet would let an old letter pass for a young one; and no time before
 * 1970 could be written (ch_time_format()). */
static void read_past(ChJsonValue root, const char *name, int64_t *at_us, ChViolations *faults)
{
    if (!ch_json_read_time(root, name, CH_JSON_REQUIRED, at_us, faults))
        return;
    if (*at_us > ch_time_now_us())
        ch_json_violation(root, name, faults, "must not be in the future");
    if (*at_us < 0)
        ch_json_violation(root, name, faults, "must not be before 1970");
}

static void read_edit(ChJsonValue root, ChDeadLetter *letter, ChViolations *faults)
{
    bool named =
        ch_json_read_uuid(root, "replayedAs", CH_JSON_OPTIONAL, &letter->replayed_as, faults);
    bool there = read_bytes(root, "editedBody", "editedBodyBase64", &letter->edited_body,
                            &letter->edited_bytes, faults);
    if (named != there && ch_violations_count(faults) == 0)
        ch_json_violation(root, "replayedAs", faults, "and editedBody go together");
}

static void read_act(ChJsonValue root, ChDeadLetter *letter, ChViolations *faults)
{
    const char *state = NULL;
    if (!ch_json_read_text(root, "state", CH_JSON_REQUIRED, 1, MAX_NAME_BYTES, &state, faults))
        return;
    if (!ch_dead_letter_state_parse(state, &letter->state)) {
        ch_json_violation(root, "state", faults, "must be waiting, replayed or discarded");
        return;
    }
    if (letter->state == CH_DEAD_LETTER_WAITING)
        return;
    read_text(root, "actedBy", CH_JSON_REQUIRED, MAX_BY_CHARS, &letter->acted_by, faults);
    read_text(root, "actedWhy", CH_JSON_REQUIRED, MAX_WHY_CHARS, &letter->acted_why, faults);
    read_text(root, "actedAs", CH_JSON_OPTIONAL, MAX_BY_CHARS, &letter->acted_as, faults);
    read_past(root, "actedAt", &letter->acted_us, faults);
    if (letter->state == CH_DEAD_LETTER_REPLAYED)
        read_edit(root, letter, faults);
}

void ch_letter_line_read(ChJsonValue root, void *item, ChViolations *faults)
{
    g_autoptr(ChDeadLetter) letter = g_new0(ChDeadLetter, 1);
    ch_json_read_uuid(root, "id", CH_JSON_REQUIRED, &letter->id, faults);
    read_name(root, "queue", CH_JSON_REQUIRED, &letter->queue, faults);
    read_name(root, "type", CH_JSON_OPTIONAL, &letter->message_type, faults);
    read_name(root, "messageId", CH_JSON_OPTIONAL, &letter->message_id, faults);
    ch_json_read_uuid(root, "subject", CH_JSON_OPTIONAL, &letter->subject, faults);
    read_text(root, "reason", CH_JSON_REQUIRED, MAX_HEADER_CHARS, &letter->reason, faults);
    ch_json_read_integer(root, "attempts", CH_JSON_REQUIRED, 0, G_MAXINT32, &letter->attempts,
                         faults);
    read_text(root, "traceparent", CH_JSON_OPTIONAL, MAX_HEADER_CHARS, &letter->traceparent,
              faults);
    read_past(root, "diedAt", &letter->died_us, faults);
    read_body(root, letter, faults);
    read_act(root, letter, faults);
    if (ch_violations_count(faults) == 0)
        *(ChDeadLetter **)item = g_steal_pointer(&letter);
}
