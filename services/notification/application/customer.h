/* What the customer service knows of a customer. */
#pragma once

/** What is known of a customer. Texts are owned, one line of valid UTF-8; NULL: not known. */
typedef struct {
    char *name;
    char *email; /* one plain address */
    char *phone; /* + and digits */
    char *language;
} NotificationCustomer;

void notification_customer_clear(NotificationCustomer *customer);
