/* Ids that are easy to tell from each other, ascending by number. */
#pragma once

#include "chassis/core/uuid.h"

ChUuid fake_id(unsigned number);
ChUuid fake_product(unsigned number);
ChUuid fake_order(unsigned number);

/** Asserts that @a is @b. */
void assert_same_id(ChUuid a, ChUuid b);
