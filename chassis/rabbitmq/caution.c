/* One message, then all; a swollen connection is let run dry. */
#include "chassis/rabbitmq/caution.h"

#include <glib.h>

enum {
    WINDOWS_SETTLED = 2,         /* before the next larger one */
    SWOLLEN_BYTES = 1024 * 1024, /* rabbitmq-c keeps the pages that a larger message took */
    /* Decoding takes 640 bytes a table until the outermost is done. Federation and shovels nest two
     * in a message, the broker's x-death three a queue. */
    SWOLLEN_TABLES = 128,
    MAX_TABLES = 64 * 1024, /* of all messages: in pieces, should any of it stay */
};

/* Each window is a consumer of its own to the broker: RabbitMQ 3.10 goes on counting the deliveries
 * of a quorum queue's consumer that comes back under its old tag, its channel counts from 0, and
 * dies. */
static const char *const tags[] = { "cautious-1",  "cautious-2",  "cautious-4",  "cautious-8",
                                    "cautious-16", "cautious-32", "cautious-64", "cautious-128" };

void ch_caution_start(ChCaution *caution)
{
    *caution = (ChCaution){ .cautious = true, .trusting = caution->known_end };
}

/* Whoever suspected all that came again goes on to: the killer may be among them still. */
void ch_caution_note_end(ChCaution *caution)
{
    caution->known_end = !caution->cautious || caution->trusting;
}

const char *ch_caution_tag(const ChCaution *caution, const char *full)
{
    return caution->cautious ? tags[caution->step] : full;
}

int ch_caution_window(const ChCaution *caution, int full)
{
    return caution->cautious ? MIN(1 << caution->step, full) : full;
}

void ch_caution_note_fetched(ChCaution *caution, const ChDelivery *delivery)
{
    caution->tables += delivery->header_tables;
    if (delivery->body_bytes > SWOLLEN_BYTES || delivery->header_tables > SWOLLEN_TABLES ||
        caution->tables > MAX_TABLES)
        caution->swollen = true;
}

void ch_caution_note_settled(ChCaution *caution, const ChDelivery *delivery)
{
    if (!caution->cautious)
        return;
    caution->settled++;
    if (delivery->delivery_count == 0)
        caution->fresh = true;
    bool passed = caution->trusting && caution->settled >= WINDOWS_SETTLED << caution->step;
    caution->widen = caution->fresh || passed;
}

ChCautionStep ch_caution_next(ChCaution *caution, bool drained)
{
    if (caution->retiring)
        return drained ? CH_CAUTION_REPLACE : CH_CAUTION_GO_ON;
    if (caution->swollen) {
        caution->retiring = true;
        return CH_CAUTION_RETIRE;
    }
    if (!caution->widen)
        return CH_CAUTION_GO_ON;
    caution->widen = false;
    return CH_CAUTION_WIDEN;
}

void ch_caution_widened(ChCaution *caution)
{
    caution->step++;
    caution->settled = 0;
    caution->cautious = !caution->fresh && caution->step < (int)G_N_ELEMENTS(tags);
}
