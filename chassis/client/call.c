/* The end of a call. */
#include "chassis/client/call.h"

void ch_http_call_clear(ChHttpCall *call)
{
    if (call->answer != NULL)
        g_string_free(call->answer, TRUE);
    g_free(call->fault);
    call->answer = NULL;
    call->fault = NULL;
}
