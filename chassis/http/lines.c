/* Where the texts of a head lie. */
#include "chassis/http/lines.h"

#include <string.h>

/* What follows a line that ended with CR LF; NULL when it did not. */
static const char *behind_line(const char *end)
{
    return end[0] == '\0' && end[1] == '\0' ? end + 2 : NULL;
}

void ch_http_lines_begin(ChHttpLines *lines, const char *method, const char *target,
                         size_t target_bytes, const char *version)
{
    bool in_place = target == method + strlen(method) + 1 && version == target + target_bytes + 1;
    lines->next = in_place ? behind_line(version + strlen(version)) : NULL;
}

void ch_http_lines_header(ChHttpLines *lines, const char *name, size_t name_bytes,
                          const char *value, size_t value_bytes)
{
    if (lines->next == NULL)
        return;
    const char *begin = lines->next;
    lines->next = NULL;
    if (name != begin || value <= name + name_bytes)
        return;
    const char *between = name + name_bytes + 1; /* behind the colon */
    if (between + strspn(between, " \t") == value)
        lines->next = behind_line(value + value_bytes);
}

bool ch_http_lines_end(const ChHttpLines *lines, const char *end)
{
    return lines->next != NULL && behind_line(lines->next) == end;
}
