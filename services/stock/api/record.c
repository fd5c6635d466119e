/* Changes of stock, for the record. */
#include "stock/api/record.h"

#include "chassis/http/change.h"
#include "chassis/json/json_writer.h"

static GString *quantity_json(const int64_t *quantity)
{
    if (quantity == NULL)
        return NULL;
    GString *json = g_string_sized_new(32);
    ch_json_begin_object(json, NULL);
    ch_json_add_integer(json, "quantity", *quantity);
    ch_json_end_object(json);
    return json;
}

void stock_api_note_level(ChHttpRequest *request, ChUuid product_id, const int64_t *before,
                          const int64_t *after, const char *why)
{
    ch_http_note_change(request, (ChHttpChange){
                                     .object = "stock",
                                     .id = product_id,
                                     .before = quantity_json(before),
                                     .after = quantity_json(after),
                                     .why = g_strdup(why),
                                 });
}
