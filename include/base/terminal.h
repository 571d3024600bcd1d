/*
 * The last thing that a program does for its terminal: a signal that ends it (a fault, abort, quit)
 * gives the settings back first.
 */
#ifndef BASE_TERMINAL_H
#define BASE_TERMINAL_H

#include <termios.h>

/*
 * From now on. before: the settings to give back, copied; last: written after that (the cursor
 * shown, the screen left), a literal. One terminal at a time; handlers of others (a sanitizer's)
 * stay.
 */
void terminal_guard(int fd, const struct termios *before, const char *last);
void terminal_unguard(void); /* no longer; without a guard it does nothing */

#endif
