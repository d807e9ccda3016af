#include "core/config_internal.h"

#define MAX_DEPTH 8
#define MAX_MEMBERS 16
#define MAX_DIGITS 15

struct cursor {
    const char *p, *end;
    unsigned depth;
};

static bool read_value(struct cursor *c);

static void skip_blanks(struct cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
        c->p++;
}

static bool take(struct cursor *c, char wanted)
{
    if (c->p == c->end || *c->p != wanted)
        return false;
    c->p++;
    return true;
}

static bool take_word(struct cursor *c, struct str word)
{
    if (!str_starts((struct str){c->p, (size_t)(c->end - c->p)}, word))
        return false;
    c->p += word.n;
    return true;
}

static bool is_short_escape(char c)
{
    return c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' || c == 'r' ||
           c == 't';
}

/* *inside is what stands between the quotes. */
static bool read_string(struct cursor *c, struct str *inside)
{
    if (!take(c, '"'))
        return false;
    const char *start = c->p;
    for (; c->p < c->end && *c->p != '"'; c->p++) {
        if (*c->p < 0x20 || *c->p > 0x7E)
            return false;
        if (*c->p == '\\' && (++c->p == c->end || !is_short_escape(*c->p)))
            return false;
    }
    *inside = (struct str){start, (size_t)(c->p - start)};
    return take(c, '"');
}

static bool read_number(struct cursor *c)
{
    take(c, '-');
    const char *start = c->p;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
        c->p++;
    ptrdiff_t digits = c->p - start;
    return digits == 1 || (digits > 1 && digits <= MAX_DIGITS && *start != '0');
}

static bool read_scalar(struct cursor *c)
{
    struct str inside;
    if (c->p < c->end && *c->p == '"')
        return read_string(c, &inside);
    return take_word(c, STR("true")) || take_word(c, STR("false")) || take_word(c, STR("null")) ||
           read_number(c);
}

static bool is_fit_for_a_key(struct str key, const struct str *others, size_t n)
{
    if (str_contains(key, STR("\\")) || str_contains(key, STR("$")))
        return false;
    for (size_t i = 0; i < n; i++)
        if (str_eq(key, others[i]))
            return false;
    return true;
}

/* No deeper than MAX_DEPTH: read_value() counts. NOLINTNEXTLINE(misc-no-recursion) */
static bool read_object(struct cursor *c)
{
    struct str keys[MAX_MEMBERS];
    size_t n = 0;
    if (!take(c, '{'))
        return false;
    skip_blanks(c);
    if (take(c, '}'))
        return true;
    do {
        skip_blanks(c);
        if (n == MAX_MEMBERS || !read_string(c, &keys[n]) || !is_fit_for_a_key(keys[n], keys, n))
            return false;
        n++;
        skip_blanks(c);
        if (!take(c, ':') || !read_value(c))
            return false;
    } while (take(c, ','));
    return take(c, '}');
}

/* NOLINTNEXTLINE(misc-no-recursion): as above */
static bool read_array(struct cursor *c)
{
    if (!take(c, '['))
        return false;
    skip_blanks(c);
    if (take(c, ']'))
        return true;
    do {
        if (!read_value(c))
            return false;
    } while (take(c, ','));
    return take(c, ']');
}

/* A value with the blanks around it. NOLINTNEXTLINE(misc-no-recursion): as above */
static bool read_value(struct cursor *c)
{
    skip_blanks(c);
    if (c->p == c->end || c->depth == MAX_DEPTH)
        return false;
    c->depth++;
    bool is_read = *c->p == '{' ? read_object(c) : *c->p == '[' ? read_array(c) : read_scalar(c);
    c->depth--;
    skip_blanks(c);
    return is_read;
}

bool config_is_json_object(struct str text)
{
    if (text.n == 0 || text.p[0] != '{')
        return false;
    struct cursor c = {text.p, text.p + text.n, 0};
    return read_value(&c) && c.p == c.end;
}

bool config_is_json_scalar(struct str text)
{
    if (text.n == 0)
        return false;
    struct cursor c = {text.p, text.p + text.n, 0};
    return read_scalar(&c) && c.p == c.end;
}
