/*
 * An INI text to raw values, through libinih.
 *
 * libinih gives the handler no line number, cuts lines of 200 bytes, takes an indented line for the
 * continuation of the value above, ignores what follows a section's bracket and lets a ';' after a
 * blank start a comment even inside quotes. So it reads through next_line(), which counts, strips
 * comments itself and refuses whatever libinih would read otherwise than it looks.
 */
#include <ini.h>
#include <string.h>

#include "core/config_internal.h"

struct ini_lines {
    struct config_reading *reading;
    enum config_origin origin;
    struct str rest;
    unsigned line;
    bool failed;
};

static bool refuse(struct ini_lines *lines, const char *sentence)
{
    lines->failed = true;
    return config_refuse(lines->reading, lines->line, "%s", sentence);
}

static bool is_behind_key(struct str line, size_t i)
{
    return line.p[i - 1] == '=' && !memchr(line.p, '=', i - 1);
}

static bool starts_comment(struct str line, size_t i, char sign)
{
    return line.p[i] == sign && i > 0 &&
           (line.p[i - 1] == ' ' || line.p[i - 1] == '\t' || is_behind_key(line, i));
}

/* The line up to its comment. A ';' starts one after a blank or in a value's place, or at the
 * line's start as '#' does. Quotes come in pairs, for one alone would swallow the comment behind
 * it. */
static bool strip_comment(struct ini_lines *lines, struct str *line)
{
    struct str trimmed = str_trim(*line);
    if (trimmed.n > 0 && (trimmed.p[0] == ';' || trimmed.p[0] == '#')) {
        line->n = 0;
        return true;
    }
    bool is_quoted = false;
    for (size_t i = 0; i < line->n; i++) {
        if (line->p[i] == '"')
            is_quoted = !is_quoted;
        else if (line->p[i] == '\\' && is_quoted)
            i++;
        else if (starts_comment(*line, i, ';') && is_quoted)
            return refuse(lines, "inside quotes a blank may not stand before a ';': "
                                 "what follows would be taken for a comment");
        else if (starts_comment(*line, i, '#') && !is_quoted)
            return refuse(lines, "a comment behind a value starts with ';', not with '#'");
        else if (starts_comment(*line, i, ';'))
            line->n = i;
    }
    if (is_quoted)
        return refuse(lines, "a double quote in this line has no partner");
    while (line->n > 0 && (line->p[line->n - 1] == ' ' || line->p[line->n - 1] == '\t'))
        line->n--;
    return true;
}

static bool check_characters(struct ini_lines *lines, struct str line)
{
    for (size_t i = 0; i < line.n; i++)
        if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] > 0x7E)
            return refuse(lines, "only printable ASCII may stand outside of comments");
    return true;
}

static bool refuse_section(struct ini_lines *lines, struct str section)
{
    struct str names[SECTION_COUNT], rest = section, word = config_next_word(&rest);
    char memory[256];
    struct buf list = buf_make(memory, sizeof memory);
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        names[i] = config_sections[i].name;
        buf_add(&list, STR(" ["));
        buf_add(&list, names[i]);
        buf_add(&list, i == SECTION_capture ? STR(" NAME]") : STR("]"));
    }
    size_t nearest = config_nearest(word, names, SECTION_COUNT);
    if (nearest < SECTION_COUNT)
        return config_refuse(
            lines->reading, lines->line, "[%.*s]: there is no such section; did you mean [%.*s%s]?",
            STR_ARG(section), STR_ARG(names[nearest]), nearest == SECTION_capture ? " NAME" : "");
    return config_refuse(lines->reading, lines->line,
                         "[%.*s]: there is no such section; there are%.*s", STR_ARG(section),
                         STR_ARG(buf_str(&list)));
}

/* A capture counts from its section on, whether or not a key follows. */
static bool open_capture(struct ini_lines *lines, struct str section)
{
    if (!config_is_capture_name(config_capture_name(section)))
        return config_refuse(lines->reading, lines->line,
                             "[%.*s]: a capture is named by 1 to %d of a-z, 0-9, '_' and '-', "
                             "such as [capture register]",
                             STR_ARG(section), CONFIG_CAPTURE_NAME_MAX);
    return config_open_capture(lines->reading, section, lines->line) != NULL;
}

static bool check_section(struct ini_lines *lines, struct str line)
{
    if (line.p[line.n - 1] != ']')
        return refuse(lines, "a section is its name in brackets and nothing else, "
                             "such as [server]");
    struct str section = {line.p + 1, line.n - 2};
    struct str_cut cut = str_cut(section, ' ');
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (i == SECTION_capture ? str_eq(cut.head, config_sections[i].name)
                                 : str_eq(section, config_sections[i].name))
            return i == SECTION_capture ? open_capture(lines, section) : true;
    return refuse_section(lines, section);
}

static bool check_key(struct ini_lines *lines, struct str line)
{
    struct str_cut cut = str_cut(line, '=');
    struct str key = str_trim(cut.head);
    bool is_name = cut.found && key.n > 0;
    for (size_t i = 0; i < key.n; i++)
        if ((key.p[i] < 'a' || key.p[i] > 'z') && (key.p[i] < 'A' || key.p[i] > 'Z') &&
            (key.p[i] < '0' || key.p[i] > '9') && key.p[i] != '_' && key.p[i] != '-' &&
            key.p[i] != '.')
            is_name = false;
    if (!is_name)
        return refuse(lines, "this is no line of the form: key = value");
    return true;
}

static bool check_line(struct ini_lines *lines, struct str *line, size_t max)
{
    if (memchr(line->p, 0, line->n))
        return refuse(lines, "this line holds a NUL byte; is this a text file?");
    if (!strip_comment(lines, line))
        return false;
    if (line->n == 0)
        return true;
    if (!check_characters(lines, *line))
        return false;
    if (line->p[0] == ' ' || line->p[0] == '\t')
        return refuse(lines, "this line is indented: a value cannot continue on a second line, "
                             "and a key starts in the first column");
    if (line->n > max)
        return config_refuse(lines->reading, lines->line,
                             "this line is too long: %zu bytes are allowed before the comment",
                             max);
    return line->p[0] == '[' ? check_section(lines, *line) : check_key(lines, *line);
}

/* libinih's reader: as fgets(), and comments become empty lines. */
static char *next_line(char *memory, int size, void *stream)
{
    struct ini_lines *lines = stream;
    if (lines->failed || lines->rest.n == 0 || size < 3)
        return NULL;
    struct str_cut cut = str_cut(lines->rest, '\n');
    struct str line = cut.head;
    lines->rest = cut.tail;
    lines->line++;
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    size_t room = (size_t)size - 2;
    if (line.n > 0 && !check_line(lines, &line, room < CONFIG_MAX_LINE ? room : CONFIG_MAX_LINE)) {
        lines->failed = true;
        return NULL;
    }
    if (line.n > 0)
        memcpy(memory, line.p, line.n);
    memcpy(memory + line.n, "\n", 2);
    return memory;
}

static bool refuse_key(struct ini_lines *lines, struct str section, struct str key)
{
    struct str names[OPTION_COUNT];
    size_t n = 0;
    struct str elsewhere = {NULL, 0};
    struct str rows = config_capture_name(section).n > 0 ? STR("login") : section;
    lines->failed = true;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (str_eq(config_options[i].section, rows))
            names[n++] = config_options[i].key;
        else if (str_eq(config_options[i].key, key))
            elsewhere = config_options[i].section;
    }
    size_t nearest = config_nearest(key, names, n);
    if (nearest < n)
        return config_refuse(lines->reading, lines->line,
                             "%.*s.%.*s: there is no such key; did you mean %.*s?",
                             STR_ARG(section), STR_ARG(key), STR_ARG(names[nearest]));
    if (elsewhere.n > 0)
        return config_refuse(lines->reading, lines->line,
                             "%.*s.%.*s: there is no such key; it belongs to [%.*s]",
                             STR_ARG(section), STR_ARG(key), STR_ARG(elsewhere));
    char memory[1024];
    struct buf list = buf_make(memory, sizeof memory);
    for (size_t i = 0; i < n; i++) {
        buf_add_char(&list, ' ');
        buf_add(&list, names[i]);
    }
    return config_refuse(lines->reading, lines->line,
                         "%.*s.%.*s: there is no such key; [%.*s] has%.*s", STR_ARG(section),
                         STR_ARG(key), STR_ARG(section), STR_ARG(buf_str(&list)));
}

static bool keep(struct ini_lines *lines, struct str section, struct str key,
                 struct config_raw *raw, struct str text)
{
    if (lines->origin == FROM_FILE && raw->origin == FROM_FILE) {
        lines->failed = true;
        return config_refuse(lines->reading, lines->line,
                             "%.*s.%.*s: this key stands in line %u already", STR_ARG(section),
                             STR_ARG(key), raw->line);
    }
    struct str copy;
    if (!arena_copy(lines->reading->arena, text, &copy))
        return refuse(lines, "there is no memory left to read this file");
    *raw = (struct config_raw){copy, lines->origin, lines->line};
    return true;
}

/* Where the value of this key is kept; NULL if there is no such key. */
static struct config_raw *find_raw(struct config_reading *reading, struct str section,
                                   struct str key)
{
    struct config_raw_capture *capture = config_find_capture(reading, section);
    struct str rows = capture ? STR("login") : section;
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (str_eq(config_options[i].section, rows) && str_eq(config_options[i].key, key))
            return capture ? &capture->raw[i - LOGIN_FIRST] : &reading->raw[i];
    return NULL;
}

/* libinih's handler: nonzero is success. */
static int take_value(void *user, const char *c_section, const char *c_key, const char *c_value)
{
    struct ini_lines *lines = user;
    struct str section = str_from(c_section), key = str_from(c_key);
    if (lines->failed)
        return 0;
    if (section.n == 0)
        return refuse(lines, "a key stands below the name of its section, such as [server]");
    struct config_raw *raw = find_raw(lines->reading, section, key);
    return raw ? keep(lines, section, key, raw, str_from(c_value))
               : refuse_key(lines, section, key);
}

bool config_read_ini(struct config_reading *reading, struct str text, enum config_origin origin)
{
    struct ini_lines lines = {.reading = reading, .origin = origin, .rest = text};
    if (str_starts(text, STR("\xEF\xBB\xBF"))) /* a byte order mark, as editors leave it */
        lines.rest = (struct str){text.p + 3, text.n - 3};
    int result = ini_parse_stream(next_line, &lines, take_value, &lines);
    if (result != 0 && !lines.failed) {
        lines.line = result > 0 ? (unsigned)result : 0;
        return refuse(&lines, "this line cannot be read");
    }
    return !lines.failed;
}
