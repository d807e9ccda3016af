/*
 * A browser in words, for people who look through their sessions: "Firefox on Android". Of a
 * User-Agent no more is kept than two numbers, and what is shown are words of ours, never the
 * browser's own text.
 */
#ifndef BFF_CORE_DEVICE_H
#define BFF_CORE_DEVICE_H

#include "base/str.h"

/* Stored with the session: numbers stay what they are. 0: not known. */
struct device {
    uint8_t browser, system;
};

/* A guess. Browsers name each other, so the ones that add their name to another's come first. */
struct device device_of(struct str user_agent);

/* A number that is not known here says nothing: a newer bffd wrote it. Literals. */
struct str device_browser(struct device device); /* "a browser" where it is not known */
struct str device_system(struct device device);  /* empty where it is not known */

#endif
