/* What the lane of the reads reads from. */
#pragma once

#include "notification/application/ports.h"

typedef struct {
    NotificationTemplateReads *templates;
    NotificationLog *log;
} NotificationReads;
