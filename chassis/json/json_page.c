/* Pages of lists. */
#include "chassis/json/json_page.h"

#include "chassis/json/json_writer.h"

enum {
    BYTES_A_ROW = 512, /* a guess to begin with */
};

GString *ch_json_page(const GPtrArray *rows, size_t limit, ChJsonWriteRow write_row)
{
    size_t n = MIN(rows->len, limit);
    GString *json = g_string_sized_new(BYTES_A_ROW * (n + 1));
    ChUuid last = { 0 };
    ch_json_begin_object(json, NULL);
    ch_json_begin_array(json, "items");
    for (size_t i = 0; i < n; i++)
        last = write_row(json, g_ptr_array_index(rows, i));
    ch_json_end_array(json);
    if (rows->len > limit)
        ch_json_add_uuid(json, "nextCursor", last);
    ch_json_end_object(json);
    return json;
}
