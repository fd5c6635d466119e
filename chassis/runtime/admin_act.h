/* What an operator does through an admin listener: who did it, and why. */
#pragma once

#include "chassis/core/uuid.h"
#include "chassis/http/request.h"
#include "chassis/json/json.h"

/** {by, why, dryRun?}; the texts live in .json. */
typedef struct {
    ChJson *json;
    const char *by, *why; /* NULL of a dry run that does not say */
    bool dry_run;
} ChAdminAct;

/** Reads the body. False: the request was answered with its violations. Clear in either case. */
bool ch_admin_act_read(ChHttpRequest *request, ChAdminAct *act);
void ch_admin_act_clear(ChAdminAct *act);

/** Notes for the record that @act changed the @object @id from @before to @after, one word each
 * under
 * @key; it says who did it, too. Nothing of a dry run. */
void ch_admin_act_note(ChHttpRequest *request, const ChAdminAct *act, const char *object, ChUuid id,
                       const char *key, const char *before, const char *after);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ChAdminAct, ch_admin_act_clear)
