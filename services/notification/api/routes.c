/* Which path leads to which handler. */
#include "notification/api/routes.h"

#include "notification/api/log.h"
#include "notification/api/read_templates.h"
#include "notification/api/write_templates.h"

#define TEMPLATES "/api/notificationtemplates"

void notification_routes(const NotificationApiParts *parts,
                         ChHttpRoute routes[NOTIFICATION_ROUTES_N])
{
    ChHttpQueue *reads = parts->reads;
    ChHttpQueue *writes = parts->writes;
    const ChHttpRoute table[NOTIFICATION_ROUTES_N] = {
        { "GET", TEMPLATES, notification_api_list_templates, parts->read_templates, reads, false },
        { "GET", TEMPLATES "/{id}", notification_api_get_template, parts->read_templates, reads,
          false },
        { "POST", TEMPLATES "/{id}/preview", notification_api_preview_template,
          parts->read_templates, reads, false },
        { "POST", TEMPLATES, notification_api_create_template, parts->write_templates, writes,
          false },
        { "PUT", TEMPLATES "/{id}", notification_api_update_template, parts->write_templates,
          writes, false },
        { "DELETE", TEMPLATES "/{id}", notification_api_delete_template, parts->write_templates,
          writes, false },
        { "GET", "/api/notifications", notification_api_list_log, parts->read_log, reads, false },
    };
    for (int i = 0; i < NOTIFICATION_ROUTES_N; i++)
        routes[i] = table[i];
}
