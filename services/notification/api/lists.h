/* What the lane of the lists reads from. */
#pragma once

#include "notification/application/ports.h"

typedef struct {
    NotificationTemplateReads *templates;
    NotificationLog *log;
} NotificationLists;
