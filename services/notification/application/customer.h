/* What the customer service knows of a customer. */
#pragma once

#include <stdint.h>

typedef enum {
    NOTIFICATION_CUSTOMER_UNREACHABLE, /* the service gave no answer that could be read */
    NOTIFICATION_CUSTOMER_ANSWERED,    /* this is what it knows, even if it is nothing */
    NOTIFICATION_CUSTOMER_UNKNOWN,     /* it does not know the customer, or there is no service */
} NotificationCustomerAnswer;

/** What is known of a customer. Texts are owned, one line of valid UTF-8; NULL: not known. Each
 * stands for itself: that one is missing says nothing of the others. */
typedef struct {
    NotificationCustomerAnswer answer;
    char *name;
    char *email; /* one plain address */
    char *phone; /* + and digits */
    char *language;
    char *why;              /* there is no e-mail address; NULL: there is one */
    int64_t retry_after_ms; /* of UNREACHABLE: not before that; 0: nothing was asked for */
} NotificationCustomer;

void notification_customer_clear(NotificationCustomer *customer);
