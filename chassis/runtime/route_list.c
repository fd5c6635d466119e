/* A table of routes in JSON. */
#include "chassis/runtime/route_list.h"

#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"
#include "chassis/runtime/admin.h"
#include "chassis/runtime/document.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_NAME_BYTES = 64,
};

/* Null where any will do. */
static void add_query(GString *json, const char *names)
{
    char name[MAX_NAME_BYTES];
    if (strcmp(names, CH_HTTP_ANY_QUERY) == 0) {
        ch_json_add_null(json, "query");
        return;
    }
    ch_json_begin_array(json, "query");
    while (ch_http_query_next_name(&names, name, sizeof name))
        ch_json_add_text(json, NULL, name);
    ch_json_end_array(json);
}

/* Null: no token is needed. */
static void add_scope(GString *json, const ChHttpRouteTable *table, const ChHttpRoute *route)
{
    if (route->scope > 0)
        ch_json_add_text(json, "scope", table->scopes->names[route->scope]);
    else
        ch_json_add_null(json, "scope");
}

/* Those who have it. */
static void add_roles(GString *json, const ChHttpRouteTable *table, const ChHttpRoute *route)
{
    ch_json_begin_array(json, "roles");
    for (size_t i = 0; route->scope > 0 && i < table->scopes->roles_n; i++) {
        const ChRole *role = &table->scopes->roles[i];
        if ((role->scopes & CH_SCOPE(route->scope)) != 0)
            ch_json_add_text(json, NULL, role->name);
    }
    ch_json_end_array(json);
}

static void add_rows(GString *json, const ChHttpRouteTable *table)
{
    for (size_t i = 0; i < table->routes_n; i++) {
        const ChHttpRoute *route = &table->routes[i];
        bool is_inline = route->lane == CH_HTTP_INLINE;
        ch_json_begin_object(json, NULL);
        ch_json_add_text(json, "method", route->method);
        ch_json_add_text(json, "pattern", route->pattern);
        ch_json_add_text(json, "operationId", route->operation_id);
        ch_json_add_text(json, "lane", is_inline ? "inline" : table->lanes[route->lane].name);
        ch_json_add_bool(json, "gated", (route->traits & CH_HTTP_GATED) != 0);
        ch_json_add_bool(json, "largeBody", (route->traits & CH_HTTP_LARGE_BODY) != 0);
        ch_json_add_bool(json, "ndjson", (route->traits & CH_HTTP_NDJSON) != 0);
        add_query(json, route->query);
        add_scope(json, table, route);
        add_roles(json, table, route);
        ch_json_end_object(json);
    }
}

void ch_route_list_print(const ChHttpRouteTable *routes)
{
    GString *json = g_string_new(NULL);
    ch_json_begin_array(json, NULL);
    add_rows(json, routes);
    add_rows(json, &ch_document_routes);
    add_rows(json, &ch_health_routes);
    ch_json_end_array(json);
    puts(json->str);
    g_string_free(json, TRUE);
}
