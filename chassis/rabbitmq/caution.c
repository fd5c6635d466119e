/* One message, then all; a swollen connection is let run dry. */
#include "chassis/rabbitmq/caution.h"

enum {
    CAUTIOUS_WINDOW = 1,
    SWOLLEN_BYTES = 1024 * 1024, /* rabbitmq-c keeps the pages that a larger message took */
    /* Decoding takes 640 bytes a table until the outermost is done. Federation and shovels nest two
     * in a message, the broker's x-death three a queue. */
    SWOLLEN_TABLES = 128,
    MAX_TABLES = 64 * 1024, /* of all messages: in pieces, should any of it stay */
};

void ch_caution_start(ChCaution *caution)
{
    *caution = (ChCaution){ .cautious = true };
}

int ch_caution_window(const ChCaution *caution, int full)
{
    return caution->cautious ? CAUTIOUS_WINDOW : full;
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
    if (caution->cautious && delivery->delivery_count == 0)
        caution->widen = true;
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
    caution->cautious = false;
}
