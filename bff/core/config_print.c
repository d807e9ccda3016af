/* The table as text: --print-config and the manual. */
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
    }
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
    struct str section = {NULL, 0};
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct config_option *option = &config_options[i];
        if (!str_eq(section, option->section))
            fprintf(out, "%s[%.*s]\n", i > 0 ? "\n" : "", STR_ARG(option->section));
        section = option->section;
        struct str value = reading.raw[i].text;
        fprintf(out, "%.*s =%s%.*s    ; ", STR_ARG(option->key), value.n > 0 ? " " : "",
                STR_ARG(value));
        print_origin(out, &reading, &reading.raw[i]);
        fputc('\n', out);
    }
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

static void print_literal(FILE *out, struct str s)
{
    fputs(".Ql ", out);
    print_roff(out, s);
    fputs(" .\n", out);
}

static void print_preset_value(FILE *out, const struct config_preset *preset, size_t id)
{
    struct arena arena = arena_make(CONFIG_MAX_BYTES);
    struct config_reading reading = {.arena = &arena, .name = "preset"};
    if (config_read_ini(&reading, preset->text, FROM_PRESET) &&
        reading.raw[id].origin == FROM_PRESET) {
        fprintf(out, "With the preset %.*s:\n", STR_ARG(preset->name));
        print_literal(out, reading.raw[id].text);
    }
    arena_free(&arena);
}

static void print_option(FILE *out, const struct config_option *option)
{
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
        print_literal(out, option->standard);
    } else {
        fputs(option->emptiness == MAY_BE_EMPTY ? "Empty by default.\n" : "There is no default.\n",
              out);
    }
    for (size_t i = 0; i < config_n_presets; i++)
        print_preset_value(out, &config_presets[i], (size_t)(option - config_options));
}

void config_print_manual(FILE *out)
{
    for (size_t s = 0; s < config_n_sections; s++) {
        fprintf(out, ".Ss [%.*s]\n", STR_ARG(config_sections[s].name));
        print_sentences(out, config_sections[s].about);
        fputs(".Bl -tag -width Ds\n", out);
        for (size_t i = 0; i < OPTION_COUNT; i++)
            if (str_eq(config_options[i].section, config_sections[s].name))
                print_option(out, &config_options[i]);
        fputs(".El\n", out);
    }
}
