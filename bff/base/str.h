/*
 * Strings as views: a pointer and a length, never owned, never assumed to be NUL-terminated.
 * C strings appear only at the edge to a library that wants them (arena_cstr() makes one).
 */
#ifndef BFF_BASE_STR_H
#define BFF_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

/* A view of a string literal. */
#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})

/* printf(3) takes no NULL, even for nothing. */
static inline const char *str_chars(struct str s)
{
    return s.n > 0 ? s.p : "";
}

/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).n, str_chars(s)

/* The two sides of the first separator; `found` is false (and `tail` empty) when there is none. */
struct str_cut {
    struct str head, tail;
    bool found;
};

struct str str_from(const char *cstr); /* NULL gives the empty view */

/* Here, because most comparisons end at the lengths. */
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_nocase(struct str a, struct str b); /* ASCII only, as in RFC 9110 field names */
bool str_starts(struct str s, struct str prefix);
bool str_contains(struct str s, struct str needle);
struct str str_trim(struct str s); /* without leading and trailing SP, HTAB, CR and LF */
struct str_cut str_cut(struct str s, char separator);

/* A control byte, but for a tab: what no header field's value may hold (RFC 9110, 5.5). */
bool str_has_control(struct str s);

/* The value of a hexadecimal digit of either case; -1: it is none. */
int str_hex_digit(char c);

/* How many characters at the start are base64url without padding (RFC 4648, section 5). */
size_t str_base64url_length(struct str s);

/* Decimal digits only, at most `max`; false for empty input, a sign, blanks or overflow. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *out);

#endif
