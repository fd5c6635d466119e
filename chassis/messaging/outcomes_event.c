/* A cell with nothing in it is not written. */
#include "chassis/messaging/outcomes_event.h"

#include "chassis/core/hex.h"
#include "chassis/json/json_read.h"

#include <string.h>

enum {
    SUM_WORDS = 4, /* of a cell: two of ids, values, checks */
    SUM_BYTES = 8 * SUM_WORDS,
    SUM_CHARS = 2 * SUM_BYTES,
    MOST_ITEMS = 1000 * 1000, /* of a cell */
};

void ch_outcomes_digest_clear(ChOutcomesDigest *digest)
{
    if (digest->open != NULL)
        g_array_unref(digest->open);
    digest->open = NULL;
}

/* ---- writing ---- */

static void add_sum(GString *body, const ChDigestCell *cell)
{
    const uint64_t words[SUM_WORDS] = { cell->high, cell->low, cell->values, cell->checks };
    uint8_t bytes[SUM_BYTES];
    char digits[SUM_CHARS + 1] = "";
    for (int i = 0; i < SUM_BYTES; i++)
        bytes[i] = (uint8_t)(words[i / 8] >> (8 * (7 - i % 8)));
    ch_hex_write(bytes, SUM_BYTES, digits);
    ch_json_add_text(body, "Sum", digits);
}

static void add_cells(GString *body, const ChDigest *digest)
{
    ch_json_begin_array(body, "Cells");
    for (int i = 0; i < CH_DIGEST_CELLS; i++) {
        if (digest->cells[i].items == 0)
            continue;
        ch_json_begin_object(body, NULL);
        ch_json_add_integer(body, "Cell", i);
        ch_json_add_integer(body, "Orders", digest->cells[i].items);
        add_sum(body, &digest->cells[i]);
        ch_json_end_object(body);
    }
    ch_json_end_array(body);
}

GString *ch_outcomes_event(ChUuid id, const char *service, const ChOutcomesDigest *digest)
{
    GString *body = ch_event_begin(id, CH_OUTCOMES_EVENT, digest->taken_us);
    ch_json_add_text(body, "Service", service);
    ch_json_add_uuid(body, "After", digest->after);
    ch_json_add_uuid(body, "UpTo", digest->up_to);
    ch_json_add_time(body, "SettledBefore", digest->settled_us);
    if (digest->confirmed_through_us > 0)
        ch_json_add_time(body, "ConfirmedThrough", digest->confirmed_through_us);
    if (digest->cancelled_through_us > 0)
        ch_json_add_time(body, "CancelledThrough", digest->cancelled_through_us);
    ch_json_begin_array(body, "Open");
    for (guint i = 0; i < digest->open->len; i++)
        ch_json_add_uuid(body, NULL, g_array_index(digest->open, ChUuid, i));
    ch_json_end_array(body);
    add_cells(body, &digest->digest);
    ch_event_end(body);
    return body;
}

/* ---- reading ---- */

static bool read_sum(const char *digits, ChDigestCell *cell)
{
    uint8_t bytes[SUM_BYTES];
    uint64_t words[SUM_WORDS] = { 0 };
    if (!ch_hex_read(digits, bytes, SUM_BYTES))
        return false;
    for (int i = 0; i < SUM_BYTES; i++)
        words[i / 8] = words[i / 8] << 8 | bytes[i];
    cell->high = words[0];
    cell->low = words[1];
    cell->values = words[2];
    cell->checks = words[3];
    return true;
}

static void read_cell(ChJsonValue value, ChDigest *digest, ChViolations *violations)
{
    int64_t number = 0;
    ChDigestCell cell = { .items = 0 };
    const char *sum = NULL;
    if (!ch_json_expect_object(value, violations) ||
        !ch_json_read_integer(value, "Cell", CH_JSON_REQUIRED, 0, CH_DIGEST_CELLS - 1, &number,
                              violations) ||
        !ch_json_read_integer(value, "Orders", CH_JSON_REQUIRED, 1, MOST_ITEMS, &cell.items,
                              violations) ||
        !ch_json_read_text(value, "Sum", CH_JSON_REQUIRED, SUM_CHARS, SUM_CHARS, &sum, violations))
        return;
    if (strlen(sum) == SUM_CHARS && read_sum(sum, &cell))
        digest->cells[number] = cell;
    else
        ch_violations_add(violations, "Data.Cells", "must have %d hexadecimal digits as the Sum",
                          (int)SUM_CHARS);
}

static void read_open(ChJsonValue value, GArray *open, ChViolations *violations)
{
    size_t bytes = 0;
    ChUuid id;
    const char *text = ch_json_text(value, &bytes);
    if (text != NULL && ch_uuid_parse(text, bytes, &id))
        g_array_append_val(open, id);
    else
        ch_violations_add(violations, "Data.Open", "must be UUIDs");
}

void ch_outcomes_event_read(ChJsonValue data, ChOutcomesDigest *digest, ChViolations *violations)
{
    digest->open = g_array_new(FALSE, FALSE, sizeof(ChUuid));
    ch_json_read_time(data, "OccurredOn", CH_JSON_REQUIRED, &digest->taken_us, violations);
    ch_json_read_uuid(data, "After", CH_JSON_REQUIRED, &digest->after, violations);
    ch_json_read_uuid(data, "UpTo", CH_JSON_REQUIRED, &digest->up_to, violations);
    ch_json_read_time(data, "SettledBefore", CH_JSON_REQUIRED, &digest->settled_us, violations);
    ch_json_read_time(data, "ConfirmedThrough", CH_JSON_OPTIONAL, &digest->confirmed_through_us,
                      violations);
    ch_json_read_time(data, "CancelledThrough", CH_JSON_OPTIONAL, &digest->cancelled_through_us,
                      violations);
    ChJsonValue open =
        ch_json_read_array(data, "Open", CH_JSON_REQUIRED, 0, CH_OUTCOMES_MOST_OPEN, violations);
    for (ChJsonValue id = ch_json_first(open); ch_json_is_set(id); id = ch_json_next(id))
        read_open(id, digest->open, violations);
    ChJsonValue cells =
        ch_json_read_array(data, "Cells", CH_JSON_REQUIRED, 0, CH_DIGEST_CELLS, violations);
    digest->digest.seed = (uint64_t)digest->taken_us;
    for (ChJsonValue cell = ch_json_first(cells); ch_json_is_set(cell); cell = ch_json_next(cell))
        read_cell(cell, &digest->digest, violations);
}
