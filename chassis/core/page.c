/* Bounds of pages. */
#include "chassis/core/page.h"

void ch_page_bounds(const ChPage *page, ChUuid *after, ChUuid *before)
{
    ch_uuid_range(page->created, after, before);
    if (page->has_last && ch_uuid_compare(page->last, *before) < 0)
        *before = page->last;
}
