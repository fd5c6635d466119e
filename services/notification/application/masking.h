/* Customers' data as they are shown to who may not see them, and kept out of logs. */
#pragma once

#include "notification/application/notifications.h"

/** "j***@example.org"; of what is no e-mail address, a number, the last two characters: "***42".
 * New. */
char *notification_mask_destination(const char *destination);

/** @text, which may be NULL, with "***" for each word that has an @: servers like to quote the
 * address. New. */
char *notification_without_addresses(const char *text);

/** Masks the destination, and leaves out subject, body, and what of the values is a customer's:
 * name and reason. */
void notification_entry_mask(NotificationEntry *entry);
