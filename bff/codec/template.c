#include "codec/template.h"

#include "base/buf.h"
#include "codec/form.h"

static bool is_of_a_name(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static struct str from(struct str s, size_t start)
{
    return (struct str){s.p + start, s.n - start};
}

bool template_next_name(struct str *text, struct str *name)
{
    struct str_cut cut = str_cut(*text, '$');
    while (cut.found) {
        size_t n = 0;
        while (n < cut.tail.n && is_of_a_name(cut.tail.p[n]))
            n++;
        if (n > 0) {
            *name = (struct str){cut.tail.p, n};
            *text = from(cut.tail, n);
            return true;
        }
        cut = str_cut(cut.tail, '$');
    }
    return false;
}

static const struct template_variable *find(struct str name, const struct template_variable *all,
                                            size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(all[i].name, name))
            return &all[i];
    return NULL;
}

/* Bytes that one byte of a value may need where it is escaped: "\u0000", or U+FFFD for one that is
 * not UTF-8. */
static size_t room_of(char c, enum template_escape escape)
{
    unsigned char u = (unsigned char)c;
    if (escape == TEMPLATE_FORM || u >= 0x80)
        return 3;
    return u < 0x20 || u == 0x7F ? 6 : 2;
}

static size_t filled_room(struct str text, const struct template_variable *variables, size_t n,
                          enum template_escape escape)
{
    size_t room = text.n;
    struct str name;
    while (template_next_name(&text, &name)) {
        const struct template_variable *v = find(name, variables, n);
        if (v && escape == TEMPLATE_PLAIN)
            room += v->value.n;
        else if (v)
            for (size_t i = 0; i < v->value.n; i++)
                room += room_of(v->value.p[i], escape);
    }
    return room;
}

static void add_value(struct buf *b, struct str value, enum template_escape escape)
{
    switch (escape) {
    case TEMPLATE_PLAIN:
        buf_add(b, value);
        return;
    case TEMPLATE_JSON:
        buf_add_json(b, value);
        return;
    case TEMPLATE_FORM:
        form_add(b, value);
        return;
    }
}

bool template_fill(struct str text, const struct template_variable *variables, size_t n,
                   enum template_escape escape, struct arena *arena, struct str *out)
{
    size_t cap = filled_room(text, variables, n, escape);
    char *memory = arena_alloc(arena, cap);
    struct str rest = text, name;
    if (!memory)
        return false;
    struct buf b = buf_make(memory, cap);
    while (template_next_name(&rest, &name)) {
        const struct template_variable *v = find(name, variables, n);
        size_t before = (size_t)(name.p - text.p);
        if (v) {
            buf_add(&b, (struct str){text.p, before - 1});
            add_value(&b, v->value, escape);
        } else {
            buf_add(&b, (struct str){text.p, before + name.n});
        }
        text = rest;
    }
    buf_add(&b, text);
    *out = buf_str(&b);
    return !b.overflowed;
}
