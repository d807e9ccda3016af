#include "doctor/fields.h"

#include "base/buf.h"
#include "codec/template.h"
#include "doctor/scan_names.h"

#define NAMES_MAX 8
#define ESCAPED_MAX 6 /* bytes of JSON for one byte of text */

struct names {
    struct str names[NAMES_MAX];
    size_t n;
};

static void add_name(struct names *to, struct str name)
{
    for (size_t i = 0; i < to->n; i++)
        if (str_eq(to->names[i], name))
            return;
    if (name.n > 0 && to->n < NAMES_MAX)
        to->names[to->n++] = name;
}

static struct names names_of(const struct config_send *send, struct str user_field)
{
    struct names found = {.n = 0};
    if (send->kind == SEND_BODY)
        found = (struct names){.names = {user_field, STR("password")}, .n = 2};
    if (send->kind != SEND_JSON && send->kind != SEND_FORM)
        return found;
    struct str text = send->text, name;
    while (template_next_name(&text, &name))
        add_name(&found, name);
    return found;
}

static bool is_password(struct str name)
{
    return name_has(name, "pass") || name_has(name, "pwd") || name_has(name, "secret");
}

bool fields_write(const struct config_send *send, const struct login_fields *fields,
                  struct arena *arena, struct str *out)
{
    struct names names = names_of(send, fields->user_field);
    size_t cap = 16 + NAMES_MAX * (16 + fields->user_field.n + send->text.n) * ESCAPED_MAX +
                 NAMES_MAX * (fields->user.n + fields->password.n) * ESCAPED_MAX;
    char *memory = arena_alloc(arena, cap);
    if (!memory)
        return false;
    struct buf b = buf_make(memory, cap);
    if (fields->is_empty && send->kind == SEND_BODY)
        names.n = 0;
    buf_add_char(&b, '{');
    for (size_t i = 0; i < names.n; i++) {
        struct str value = is_password(names.names[i]) ? fields->password : fields->user;
        buf_add(&b, i > 0 ? STR(",\"") : STR("\""));
        buf_add_json(&b, names.names[i]);
        buf_add(&b, STR("\":\""));
        if (!fields->is_empty)
            buf_add_json(&b, value);
        buf_add_char(&b, '"');
    }
    buf_add_char(&b, '}');
    *out = buf_str(&b);
    return !b.overflowed;
}

struct str fields_named(const struct config_send *send, struct str user_field, struct arena *arena)
{
    struct names names = names_of(send, user_field);
    struct str words = {NULL, 0};
    for (size_t i = 0; i < names.n; i++) {
        struct str before = words;
        const char *between = i == 0 ? "" : i + 1 == names.n ? " and " : ", ";
        if (!arena_printf(arena, &words, "%.*s%s%.*s", STR_ARG(before), between,
                          STR_ARG(names.names[i])))
            return STR("(no memory)");
    }
    return words.n > 0 ? words : STR("nothing");
}
