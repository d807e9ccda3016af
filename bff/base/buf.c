#include "base/buf.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

struct buf buf_make(char *memory, size_t cap)
{
    return (struct buf){.p = memory, .cap = cap};
}

void buf_add(struct buf *b, struct str s)
{
    if (b->overflowed || s.n > b->cap - b->n) {
        b->overflowed = true;
        return;
    }
    if (s.n > 0)
        memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}

void buf_add_char(struct buf *b, char c)
{
    buf_add(b, (struct str){&c, 1});
}

void buf_add_i64(struct buf *b, int64_t value)
{
    char digits[20]; /* INT64_MIN has as many, with its sign */
    char *end = digits + sizeof digits, *p = end;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do
        *--p = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--p = '-';
    buf_add(b, (struct str){p, (size_t)(end - p)});
}

void buf_add_hex(struct buf *b, const unsigned char *bytes, size_t n)
{
    if (b->overflowed || n > (b->cap - b->n) / 2) {
        b->overflowed = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        b->p[b->n++] = hex_digits[bytes[i] >> 4];
        b->p[b->n++] = hex_digits[bytes[i] & 15];
    }
}

/* Length of the valid UTF-8 sequence at the start of `s` (RFC 3629, section 4); 0 if there is none.
 */
static size_t utf8_length(struct str s)
{
    const unsigned char *u = (const unsigned char *)s.p;
    if (u[0] < 0x80)
        return 1;
    size_t n = u[0] >= 0xC2 && u[0] <= 0xDF   ? 2
               : u[0] >= 0xE0 && u[0] <= 0xEF ? 3
               : u[0] >= 0xF0 && u[0] <= 0xF4 ? 4
                                              : 0;
    if (n == 0 || s.n < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((u[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (u[0] == 0xE0 && u[1] < 0xA0) || (u[0] == 0xF0 && u[1] < 0x90);
    bool surrogate = u[0] == 0xED && u[1] > 0x9F;
    bool beyond = u[0] == 0xF4 && u[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : n;
}

static void add_control(struct buf *b, unsigned char c)
{
    char escape[6] = {'\\', 'u', '0', '0', hex_digits[c >> 4], hex_digits[c & 15]};
    buf_add(b, (struct str){escape, sizeof escape});
}

void buf_add_json(struct buf *b, struct str s)
{
    while (s.n > 0) {
        size_t n = utf8_length(s);
        unsigned char c = (unsigned char)s.p[0];
        if (n == 0)
            buf_add(b, STR("\xEF\xBF\xBD"));
        else if (c == '"' || c == '\\')
            buf_add(b, (struct str){c == '"' ? "\\\"" : "\\\\", 2});
        else if (c < 0x20 || c == 0x7F)
            add_control(b, c);
        else
            buf_add(b, (struct str){s.p, n});
        size_t step = n ? n : 1;
        s.p += step;
        s.n -= step;
    }
}

struct str buf_str(const struct buf *b)
{
    return (struct str){b->p, b->n};
}
