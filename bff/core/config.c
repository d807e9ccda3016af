#include "core/config.h"

#include <stdarg.h>
#include <string.h>

#include "core/config_internal.h"

#define MESSAGE_MAX 1024

#define LITERAL(lit)                                                                               \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    }

/* Each row's field has the type that its kind's reader writes. */
#define X(kind, type, reader, word, allowed) typedef type type_of_##kind;
CONFIG_KINDS(X)
#undef X
#define X(kind, section, key, field, ...)                                                          \
    _Static_assert(                                                                                \
        _Generic(&((struct config *)0)->section.field, type_of_##kind * : 1, default : 0),         \
        #section "." #key ": its kind and its field differ in type");
CONFIG_OPTIONS(X)
#undef X

const struct config_option config_options[OPTION_COUNT] = {
#define X(kind, section, key, field, standard, emptiness, min, max, help)                          \
    {KIND_##kind,       LITERAL(#section), LITERAL(#key), offsetof(struct config, section.field),  \
     LITERAL(standard), emptiness,         min,           max,                                     \
     LITERAL(help)},
    CONFIG_OPTIONS(X)
#undef X
};

const struct config_section config_sections[SECTION_COUNT] = {
#define X(name, about) {LITERAL(#name), LITERAL(about)},
    CONFIG_SECTIONS(X)
#undef X
};

/* So that LOGIN_xxx is OPTION_login_xxx - LOGIN_FIRST. */
#define X(kind, section, key, ...)                                                                 \
    _Static_assert(OPTION_##section##_##key == LOGIN_FIRST + (int)LOGIN_##key, "");
CONFIG_LOGIN_OPTIONS(X)
#undef X

static config_reader *const readers[] = {
#define X(kind, type, reader, word, allowed) [KIND_##kind] = reader,
    CONFIG_KINDS(X)
#undef X
};

bool config_refuse(struct config_reading *reading, unsigned line, const char *format, ...)
{
    char memory[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(memory, sizeof memory, format, args);
    va_end(args);
    struct str *message = &reading->message;
    bool has_room =
        n >= 0 &&
        (line ? arena_printf(reading->arena, message, "%s:%u: %s", reading->name, line, memory)
              : arena_printf(reading->arena, message, "%s: %s", reading->name, memory));
    if (!has_room)
        *message = STR("There is no memory left to read the configuration.");
    return false;
}

static bool refuse_value(struct config_reading *reading, struct str section,
                         const struct config_option *option, const struct config_raw *raw,
                         const struct config_refusal *refusal)
{
    char memory[MESSAGE_MAX];
    struct buf why = buf_make(memory, sizeof memory);
    if (refusal->why.n > 0)
        buf_add(&why, refusal->why);
    else
        config_add_allowed(&why, option);
    if (raw->text.n == 0 && raw->origin == FROM_DEFAULT)
        return config_refuse(reading, raw->line, "%.*s.%.*s is missing: %.*s. %.*s",
                             STR_ARG(section), STR_ARG(option->key), STR_ARG(buf_str(&why)),
                             STR_ARG(option->help));
    unsigned line = raw->origin == FROM_FILE ? raw->line : 0;
    if (refusal->is_a_secret)
        return config_refuse(reading, line, "%.*s.%.*s: %.*s", STR_ARG(section),
                             STR_ARG(option->key), STR_ARG(buf_str(&why)));
    return config_refuse(reading, line, "%.*s.%.*s: \"%.*s\" is not allowed: %.*s",
                         STR_ARG(section), STR_ARG(option->key), STR_ARG(raw->text),
                         STR_ARG(buf_str(&why)));
}

static bool read_value(struct config_reading *reading, struct str section,
                       const struct config_option *option, const struct config_raw *raw,
                       void *field)
{
    struct config_refusal refusal = {.is_a_secret = false};
    if (raw->text.n == 0 ? option->emptiness == MAY_BE_EMPTY
                         : readers[option->kind](option, raw->text, field, &refusal))
        return true;
    return refuse_value(reading, section, option, raw, &refusal);
}

static bool read_options(struct config_reading *reading, struct config *out)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct config_option *option = &config_options[i];
        if (!read_value(reading, option->section, option, &reading->raw[i],
                        (char *)out + option->offset))
            return false;
    }
    return true;
}

/* A capture's fields lie in its struct as those of [login] lie in that of the login. */
static bool read_captures(struct config_reading *reading, struct config *out)
{
    for (size_t i = 0; i < reading->n_captures; i++) {
        const struct config_raw_capture *capture = &reading->captures[i];
        out->captures[i].name = config_capture_name(capture->section);
        for (size_t j = 0; j < LOGIN_COUNT; j++) {
            const struct config_option *option = &config_options[LOGIN_FIRST + j];
            size_t offset = option->offset - offsetof(struct config, login);
            if (!read_value(reading, capture->section, option, &capture->raw[j],
                            (char *)&out->captures[i] + offset))
                return false;
        }
    }
    out->n_captures = reading->n_captures;
    return true;
}

/* The preset's lines stand below the file's, and which preset it is stands in the file. */
static bool add_preset(struct config_reading *reading)
{
    const struct config_preset *preset =
        config_find_preset(reading->raw[OPTION_backend_preset].text);
    if (!preset)
        return true; /* "none", or a name that its reader refuses */
    struct config_reading filled = {.arena = reading->arena, .name = "preset"};
    memcpy(filled.raw, reading->raw, sizeof filled.raw);
    if (!config_read_ini(&filled, preset->text, FROM_PRESET)) {
        reading->message = filled.message;
        return false;
    }
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (reading->raw[i].origin == FROM_DEFAULT)
            reading->raw[i] = filled.raw[i];
    return config_merge_captures(reading, &filled);
}

bool config_load(struct config_reading *reading, struct str text, struct config *out)
{
    *out = (struct config){.login = {.name = STR("login")}};
    for (size_t i = 0; i < OPTION_COUNT; i++)
        reading->raw[i] = (struct config_raw){config_options[i].standard, FROM_DEFAULT, 0};
    if (text.n > CONFIG_MAX_BYTES)
        return config_refuse(reading, 0, "the file is too long: %d bytes are allowed",
                             CONFIG_MAX_BYTES);
    if (!config_read_ini(reading, text, FROM_FILE) || !add_preset(reading))
        return false;
    config_inherit_captures(reading);
    return read_options(reading, out) && read_captures(reading, out) &&
           config_check_all(reading, out);
}

bool config_parse(struct arena *arena, const char *name, struct str text, struct config *out,
                  struct str *message)
{
    struct config_reading reading = {.arena = arena, .name = name};
    if (config_load(&reading, text, out))
        return true;
    *message = reading.message;
    return false;
}
