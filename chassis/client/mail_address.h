/* Mail addresses. */
#pragma once

#include <stdbool.h>

/** One plain address: letters, digits and !#$%&'*+-/=?^_`{|}~. before the @ (64 at most), a domain
 * of letters, digits, hyphens and points after it. No quotes, comments, display names or lists. */
bool ch_mail_address_valid(const char *address);
