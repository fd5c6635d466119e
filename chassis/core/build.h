/* Which build of the program this is. */
#pragma once

enum {
    CH_BUILD_TEXT_BYTES = 96, /* a version, a space, up to 64 hexadecimal digits, a zero */
};

/** Writes "<version> <build id>" to @text. The id is what the linker made of the program's content:
 * the same in every process of one build, another in any other; "unknown" where it was left out.
 * Any thread. */
void ch_build_name(char text[CH_BUILD_TEXT_BYTES]);
