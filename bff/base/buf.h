/*
 * Bounded text building into memory the caller owns: append, append, then look once whether it
 * fitted. After the first append that does not fit, nothing more is written.
 */
#ifndef BFF_BASE_BUF_H
#define BFF_BASE_BUF_H

#include <stdint.h>

#include "base/str.h"

struct buf {
    char *p;
    size_t n, cap;
    bool overflowed;
};

struct buf buf_make(char *memory, size_t cap);
void buf_add(struct buf *b, struct str s);
void buf_add_char(struct buf *b, char c);
void buf_add_i64(struct buf *b, int64_t value);
void buf_add_hex(struct buf *b, const unsigned char *bytes, size_t n);

/* `s` as the inside of a JSON string (RFC 8259, section 7): no quotes around it; bytes that are
 * not valid UTF-8 become U+FFFD, so the result is always valid JSON. */
void buf_add_json(struct buf *b, struct str s);

struct str buf_str(const struct buf *b); /* what was written, complete only if !overflowed */

#endif
