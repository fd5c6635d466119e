/* Currencies. */
#pragma once

/** How many digits behind the point amounts in the currency @code have, 0 to 4; -1 when it is none
 * of ISO 4217's that are paid with today. */
int ch_currency_digits(const char *code);
