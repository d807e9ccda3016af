/* The table as text: --print-config and the manual. */
#include <string.h>

#include "core/config_internal.h"

static void print_origin(FILE *out, const struct config_reading *reading,
                         const struct config_raw *raw)
{
    switch (raw->origin) {
    case FROM_DEFAULT:
        fputs("default", out);
        break;
    case FROM_PRESET:
        fprintf(out, "preset %.*s", STR_ARG(reading->raw[OPTION_backend_preset].text));
        break;
    case FROM_FILE:
        fprintf(out, "%s:%u", reading->name, raw->line);
        break;
    case FROM_LOGIN:
        fputs("login", out);
        break;
    }
}

/* "key = value"; without the blanks where they would make the line longer than may be read. */
static void print_value(FILE *out, const struct config_reading *reading, struct str key,
                        const struct config_raw *raw)
{
    bool is_long = key.n + raw->text.n + strlen(" = ") > CONFIG_MAX_LINE;
    fprintf(out, "%.*s%s%s%.*s    ; ", STR_ARG(key), is_long ? "=" : " =",
            raw->text.n > 0 && !is_long ? " " : "", STR_ARG(raw->text));
    print_origin(out, reading, raw);
    fputc('\n', out);
}

static void print_captures(FILE *out, const struct config_reading *reading)
{
    for (size_t i = 0; i < reading->n_captures; i++) {
        const struct config_raw_capture *capture = &reading->captures[i];
        fprintf(out, "\n[%.*s]\n", STR_ARG(capture->section));
        for (size_t j = 0; j < LOGIN_COUNT; j++)
            print_value(out, reading, config_options[LOGIN_FIRST + j].key, &capture->raw[j]);
    }
}

static void print_section(FILE *out, const struct config_reading *reading, size_t s)
{
    fprintf(out, "%s[%.*s]\n", s > 0 ? "\n" : "", STR_ARG(config_sections[s].name));
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (str_eq(config_options[i].section, config_sections[s].name))
            print_value(out, reading, config_options[i].key, &reading->raw[i]);
}

bool config_print(struct arena *arena, const char *name, struct str text, FILE *out,
                  struct str *message)
{
    struct config config;
    struct config_reading reading = {.arena = arena, .name = name};
    if (!config_load(&reading, text, &config)) {
        *message = reading.message;
        return false;
    }
    for (size_t s = 0; s < SECTION_COUNT; s++)
        if (s == SECTION_capture)
            print_captures(out, &reading);
        else
            print_section(out, &reading, s);
    return true;
}

/* Text that mdoc(7) prints as it stands: no escape, no quoting, no macro. */
static void print_roff(FILE *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\')
            fputs("\\e", out);
        else if (s.p[i] == '"')
            fputs("\\(dq", out);
        else if (s.p[i] == '\'')
            fputs("\\(aq", out);
        else if (s.p[i] == '-')
            fputs("\\-", out);
        else
            fputc(s.p[i], out);
    }
}

/* mdoc(7) wants each sentence on a line of its own. */
static void print_sentences(FILE *out, struct str s)
{
    size_t start = 0;
    for (size_t i = 0; i + 1 < s.n; i++)
        if (s.p[i] == '.' && s.p[i + 1] == ' ') {
            print_roff(out, (struct str){s.p + start, i + 1 - start});
            fputc('\n', out);
            start = i + 2;
        }
    print_roff(out, (struct str){s.p + start, s.n - start});
    fputc('\n', out);
}

static const char *const words[] = {
#define X(kind, type, reader, word, allowed) [KIND_##kind] = (word),
    CONFIG_KINDS(X)
#undef X
};

/* `stop` ends the sentence that it stands in, if there is one. */
static void print_literal(FILE *out, struct str s, const char *stop)
{
    fputs(".Ql ", out);
    print_roff(out, s);
    fprintf(out, "%s\n", stop);
}

static void print_tag(FILE *out, struct str name)
{
    fputs(".It ", out);
    print_roff(out, name);
    fputc('\n', out);
}

/* What each preset sets. */
struct preset_readings {
    struct arena arena;
    struct config_reading of[CONFIG_N_PRESETS];
};

static bool read_presets(struct preset_readings *presets)
{
    *presets = (struct preset_readings){.arena = arena_make(CONFIG_MAX_BYTES)};
    for (size_t i = 0; i < CONFIG_N_PRESETS; i++) {
        presets->of[i] = (struct config_reading){.arena = &presets->arena, .name = "preset"};
        if (!config_read_ini(&presets->of[i], config_presets[i].text, FROM_PRESET))
            return false;
    }
    return true;
}

/* One line for each preset that sets this row. */
static void print_preset_values(FILE *out, const struct preset_readings *presets, size_t id)
{
    bool is_open = false;
    for (size_t i = 0; i < CONFIG_N_PRESETS; i++) {
        if (presets->of[i].raw[id].origin != FROM_PRESET)
            continue;
        if (!is_open)
            fputs("Presets:\n.Bl -tag -width 22n -compact\n", out);
        is_open = true;
        print_tag(out, config_presets[i].name);
        print_literal(out, presets->of[i].raw[id].text, "");
    }
    if (is_open)
        fputs(".El\n", out);
}

static void print_option(FILE *out, const struct preset_readings *presets, size_t id)
{
    const struct config_option *option = &config_options[id];
    char memory[512];
    struct buf allowed = buf_make(memory, sizeof memory);
    config_add_allowed(&allowed, option);
    buf_add(&allowed, STR("."));
    fprintf(out, ".It Ic %.*s No = Ar %s\n", STR_ARG(option->key), words[option->kind]);
    print_sentences(out, option->help);
    fputs("Allowed:\n", out);
    print_roff(out, buf_str(&allowed));
    fputc('\n', out);
    if (option->standard.n > 0) {
        fputs("Default:\n", out);
        print_literal(out, option->standard, " .");
    } else {
        fputs(option->emptiness == MAY_BE_EMPTY ? "Empty by default.\n" : "There is no default.\n",
              out);
    }
    print_preset_values(out, presets, id);
}

/* Its rows stand once, in [login]. */
static void print_capture_section(FILE *out, const struct preset_readings *presets)
{
    fprintf(out,
            "There may be %d of these sections, each with a name of 1 to %d characters: a\\-z, "
            "0\\-9, _ and \\-.\n"
            "Its keys are those of\n.Ic [login] :\n",
            CONFIG_MAX_CAPTURES, CONFIG_CAPTURE_NAME_MAX);
    for (size_t i = 0; i < LOGIN_COUNT; i++)
        fprintf(out, ".Ic %.*s%s\n", STR_ARG(config_options[LOGIN_FIRST + i].key),
                i + 1 < LOGIN_COUNT ? " ," : " .");
    fputs(".Ic request\nmust be given, every other key is as in\n.Ic [login]\n"
          "unless it is given.\nPresets:\n.Bl -tag -width 22n -compact\n",
          out);
    for (size_t i = 0; i < CONFIG_N_PRESETS; i++)
        for (size_t j = 0; j < presets->of[i].n_captures; j++) {
            const struct config_raw_capture *capture = &presets->of[i].captures[j];
            print_tag(out, config_presets[i].name);
            fprintf(out, ".Ic [%.*s] request\n", STR_ARG(capture->section));
            print_literal(out, capture->raw[LOGIN_request].text, "");
        }
    fputs(".El\n", out);
}

void config_print_manual(FILE *out)
{
    struct preset_readings presets;
    bool is_read = read_presets(&presets);
    for (size_t s = 0; is_read && s < SECTION_COUNT; s++) {
        fprintf(out, ".Ss [%.*s%s]\n", STR_ARG(config_sections[s].name),
                s == SECTION_capture ? " NAME" : "");
        print_sentences(out, config_sections[s].about);
        if (s == SECTION_capture) {
            print_capture_section(out, &presets);
            continue;
        }
        fputs(".Bl -tag -width Ds\n", out);
        for (size_t i = 0; i < OPTION_COUNT; i++)
            if (str_eq(config_options[i].section, config_sections[s].name))
                print_option(out, &presets, i);
        fputs(".El\n", out);
    }
    arena_free(&presets.arena);
}
