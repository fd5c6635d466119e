/* Mail addresses: what is one, as people write them, and as they stand in a mail. Texts given in
 * are valid UTF-8, new ones are freed with g_free(). */
#pragma once

#include "chassis/core/error.h"

#include <stdbool.h>

/** One plain address: letters, digits and !#$%&'*+-/=?^_`{|}~. before the @ (64 at most), a domain
 * of letters, digits, hyphens and points after it. No quotes, comments, display names or lists.
 * Points may stand anywhere before the @, as some providers have handed them out. */
bool ch_mail_address_valid(const char *address);

/** The plain address that somebody meant by @written: without white space around it and without a
 * point at its end, an international domain as DNS has it (IDNA 2008). NULL when it is none. */
char *ch_mail_address_clean(const char *written);

/** @address, a plain one, as headers and SMTP commands have it: what stands before the @ is in
 * quotes where its points break the rule of RFC 5322, section 3.2.3. */
char *ch_mail_address_quoted(const char *address);

/** Reads "address", "name <address>" or "\"name\" <address>". *name is NULL when there is none.
 * False when @written is anything else; the others are then untouched. */
CH_MUST_CHECK bool ch_mail_sender_parse(const char *written, char **name, char **address);
