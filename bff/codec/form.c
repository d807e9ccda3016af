#include "codec/form.h"

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void form_add(struct buf *b, struct str value)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        char triple[3] = {'%', digits[c >> 4], digits[c & 15]};
        buf_add(b, is_unreserved(value.p[i]) ? (struct str){&value.p[i], 1}
                                             : (struct str){triple, sizeof triple});
    }
}

/* The first byte that *s encodes. */
static bool take_byte(struct str *s, char *out)
{
    size_t n = 1;
    *out = s->p[0] == '+' ? ' ' : s->p[0];
    if (s->p[0] == '%') {
        int high = s->n >= 3 ? str_hex_digit(s->p[1]) : -1,
            low = s->n >= 3 ? str_hex_digit(s->p[2]) : -1;
        if (high < 0 || low < 0)
            return false;
        *out = (char)(high << 4 | low);
        n = 3;
    }
    *s = (struct str){s->p + n, s->n - n};
    return true;
}

static bool encodes(struct str encoded, struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c;
        if (encoded.n == 0 || !take_byte(&encoded, &c) || c != name.p[i])
            return false;
    }
    return encoded.n == 0;
}

static enum bff_err decode(struct str encoded, struct arena *arena, struct str *out)
{
    char *p = arena_alloc(arena, encoded.n);
    size_t n = 0;
    if (!p)
        return BFF_ERR_NO_MEMORY;
    while (encoded.n > 0)
        if (!take_byte(&encoded, &p[n++]))
            return BFF_ERR_MALFORMED;
    *out = (struct str){p, n};
    return BFF_OK;
}

enum bff_err form_find(struct str form, struct str name, struct arena *arena, struct str *value)
{
    struct str_cut pair = {.tail = form, .found = true};
    struct str found = {NULL, 0};
    size_t times = 0;
    while (pair.found) {
        pair = str_cut(pair.tail, '&');
        struct str_cut member = str_cut(pair.head, '=');
        if (pair.head.n == 0 || !encodes(member.head, name))
            continue;
        found = member.tail;
        times++;
    }
    if (times != 1)
        return times == 0 ? BFF_ERR_MISSING : BFF_ERR_DUPLICATE;
    return decode(found, arena, value);
}
