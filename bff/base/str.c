#include "base/str.h"

#include <string.h>

struct str str_from(const char *cstr)
{
    return cstr ? (struct str){cstr, strlen(cstr)} : (struct str){NULL, 0};
}

static unsigned char ascii_lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
            return false;
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq((struct str){s.p, prefix.n}, prefix);
}

bool str_contains(struct str s, struct str needle)
{
    if (needle.n == 0)
        return true;
    return s.n >= needle.n && memmem(s.p, s.n, needle.p, needle.n) != NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct str_cut str_cut(struct str s, char separator)
{
    const char *at = s.n > 0 ? memchr(s.p, separator, s.n) : NULL;
    if (!at)
        return (struct str_cut){.head = s};
    size_t head = (size_t)(at - s.p);
    return (struct str_cut){
        .head = {s.p, head},
        .tail = {at + 1, s.n - head - 1},
        .found = true,
    };
}

static bool is_base64url(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

size_t str_base64url_length(struct str s)
{
    size_t n = 0;
    while (n < s.n && is_base64url(s.p[n]))
        n++;
    return n;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *out)
{
    if (s.n == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (digit > max || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

int str_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#define IN_EACH_BYTE(value) (UINT64_MAX / 255 * (value))

/* Eight bytes, each from ' ' to '~'? Subtracting 0x20 borrows from a lower one, adding 1 takes 0x7F
 * to 0x80. No, where a neighbour's borrow or carry made it look so; never a wrong yes. */
static bool are_printable(const char *p)
{
    uint64_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    uint64_t below = (bytes - IN_EACH_BYTE(0x20)) & ~bytes;
    uint64_t above = bytes | (bytes + IN_EACH_BYTE(1));
    return ((below | above) & IN_EACH_BYTE(0x80)) == 0;
}

bool str_has_control(struct str s)
{
    size_t i = 0;
    while (s.n - i >= sizeof(uint64_t) && are_printable(s.p + i))
        i += sizeof(uint64_t);
    for (; i < s.n; i++)
        if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7F)
            return true;
    return false;
}
