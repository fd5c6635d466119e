/* Bounds of pages. */
#include "chassis/core/page.h"

void ch_page_bounds(const ChPage *page, ChUuid *after, ChUuid *before)
{
    ch_uuid_range(page->created, after, before);
    if (!page->has_last)
        return;
    if (page->oldest_first && ch_uuid_compare(page->last, *after) > 0)
        *after = page->last;
    if (!page->oldest_first && ch_uuid_compare(page->last, *before) < 0)
        *before = page->last;
}
