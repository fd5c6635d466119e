/* What an operator does through an admin listener: who may, and who did it why. */
#pragma once

#include "chassis/http/request.h"
#include "chassis/json/json.h"

/** Whether @request carries @token ("": nobody may); else it was answered, 401 or 403. */
bool ch_admin_may_act(ChHttpRequest *request, const char *token);

/** {by, why, dryRun?}; the texts live in .json. */
typedef struct {
    ChJson *json;
    const char *by, *why; /* NULL of a dry run that does not say */
    bool dry_run;
} ChAdminAct;

/** Reads the body. False: the request was answered with its violations. Clear in either case. */
bool ch_admin_act_read(ChHttpRequest *request, ChAdminAct *act);
void ch_admin_act_clear(ChAdminAct *act);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ChAdminAct, ch_admin_act_clear)
