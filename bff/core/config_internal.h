/*
 * What the files of the configuration share. A text becomes a struct in three steps:
 *
 *   config_ini.c config_capture.c                     text -> a raw value for each row, with origin
 *   config_number.c config_place.c config_dialect.c   raw value -> field, by the row's kind
 *   config_check.c config_check_backend.c             what no single row can know
 */
#ifndef BFF_CORE_CONFIG_INTERNAL_H
#define BFF_CORE_CONFIG_INTERNAL_H

#include "base/buf.h"
#include "core/config.h"
#include "core/config_options.h"

/* What is wrong with a value; all empty: it is not what the kind allows. */
struct config_refusal {
    struct str why;   /* a literal that says more than what the kind allows */
    bool is_a_secret; /* the value may hold a password: do not quote it */
};

struct config_option;

/* Read `text` into *field, whose type is the kind's. Views in it point into `text`. */
typedef bool config_reader(const struct config_option *option, struct str text, void *field,
                           struct config_refusal *refusal);

/* clang-format off */

/* kind, type of the field, reader, word for the manual, what is allowed (NULL: made of the row) */
#define CONFIG_KINDS(X)                                                                           \
    X(LISTEN, struct str, config_read_listen, "address",                                          \
      "unix:/PATH (at most 107 bytes), HOST:PORT or [IPV6]:PORT")                                 \
    X(MODE, uint32_t, config_read_mode, "permissions", NULL)                                      \
    X(WORKERS, uint32_t, config_read_workers, "number", NULL)                                     \
    X(COUNT, uint32_t, config_read_count, "number", NULL)                                         \
    X(DURATION_MS, uint32_t, config_read_duration, "duration", NULL)                              \
    X(DURATION_S, uint32_t, config_read_duration, "duration", NULL)                               \
    X(SIZE, uint32_t, config_read_size, "size", NULL)                                             \
    X(YES_NO, bool, config_read_yes_no, "answer", "yes or no")                                    \
    X(LOG_LEVEL, enum log_level, config_read_log_level, "level", "debug, info, warn or error")    \
    X(LOG_FORMAT, enum log_format, config_read_log_format, "format", "logfmt or json")            \
    X(PATH, struct str, config_read_path, "path", "an absolute path")                             \
    X(WORD, struct str, config_read_word, "word", "one word of visible ASCII")                    \
    X(PREFIX, struct str, config_read_prefix, "prefix",                                           \
      "1 to 32 letters, digits, ':', '.', '_' or '-'")                                            \
    X(REDIS_URL, struct str, config_read_redis_url, "address",                                    \
      "redis://HOST[:PORT][/DB], unix:///PATH[?db=DB], "                                          \
      "redis+sentinel://HOST[:PORT],.../NAME[/DB] or redis+cluster://HOST[:PORT],...")            \
    X(BACKEND_URL, struct str, config_read_backend_url, "address",                                \
      "http://HOST[:PORT] or https://HOST[:PORT], with nothing after it")                         \
    X(CLAIMS, struct config_words, config_read_claims, "words",                                   \
      "at most 16 different names, with blanks between them")                                     \
    X(ORIGINS, struct config_words, config_read_origins, "origins",                               \
      "at most 8 different origins as browsers write them, such as https://app.example.com, "     \
      "with blanks between them")                                                                 \
    X(PRESET, struct str, config_read_preset, "name", NULL)                                       \
    X(ATTACH, struct config_attach, config_read_attach, "way",                                    \
      "header NAME \"TEXT\" with exactly one $access in the text, or cookie NAME")                \
    X(CALL, struct config_call, config_read_call, "call",                                         \
      "GET, POST, PUT, PATCH or DELETE, a blank and a path, such as POST /api/token/")            \
    X(TOKEN, struct config_token, config_read_token, "place",                                     \
      "json:/POINTER (RFC 6901) or cookie:NAME, or at most 4 different ones in the order in "     \
      "which they are looked at, with blanks between them")                                       \
    X(POINTER, struct str, config_read_pointer, "place", "json:/POINTER (RFC 6901)")              \
    X(EXPIRY, struct config_expiry, config_read_expiry, "rule", NULL)                             \
    X(SEND, struct config_send, config_read_send, "way",                                          \
      "json OBJECT, form NAME=VALUE&..., cookie NAME, or none; "                                  \
      "$refresh and $access stand for the tokens")                                                \
    X(LOGIN_SEND, struct config_send, config_read_login_send, "way",                              \
      "body, json OBJECT or form NAME=VALUE&...; "                                                \
      "$NAME stands for the field NAME of what the browser sent")                                 \
    X(MATCH, struct config_match, config_read_match, "match", NULL)                               \
    X(AUTH, bool, config_read_auth, "what", "none or access")                                     \
    X(CLIENT_AUTH, enum client_auth, config_read_client_auth, "way", "basic or form")             \
    X(HEADER_NAME, struct str, config_read_header_name, "name",                                   \
      "the name of a header that may carry a token")                                              \
    X(COOKIE_NAME, struct str, config_read_cookie_name, "name", "the name of a cookie")           \
    X(OBJECT, struct str, config_read_object, "object", "a JSON object of plain members")

/* clang-format on */

enum config_kind {
#define X(kind, type, reader, word, allowed) KIND_##kind,
    CONFIG_KINDS(X)
#undef X
};

#define X(kind, type, reader, word, allowed) config_reader reader;
CONFIG_KINDS(X)
#undef X

enum config_id {
#define X(kind, section, key, ...) OPTION_##section##_##key,
    CONFIG_OPTIONS(X)
#undef X
        OPTION_COUNT
};

struct config_option {
    enum config_kind kind;
    struct str section, key;
    size_t offset; /* of the field in struct config */
    struct str standard;
    enum config_emptiness emptiness;
    uint32_t min, max;
    struct str help;
};

extern const struct config_option config_options[OPTION_COUNT];

struct config_section {
    struct str name, about;
};
enum {
#define X(name, about) SECTION_##name,
    CONFIG_SECTIONS(X)
#undef X
        SECTION_COUNT
};
extern const struct config_section config_sections[SECTION_COUNT];

/* The rows of [login], which are those of every capture as well, follow one another. */
enum {
#define X(kind, section, key, ...) LOGIN_##key,
    CONFIG_LOGIN_OPTIONS(X)
#undef X
        LOGIN_COUNT,
    LOGIN_FIRST = OPTION_login_request
};

struct config_preset {
    struct str name;
    struct str text; /* an INI text, read by the same reader as a file */
};
#define CONFIG_N_PRESETS 7
extern const struct config_preset config_presets[CONFIG_N_PRESETS];
const struct config_preset *config_find_preset(struct str name); /* NULL if there is none */

enum config_origin { FROM_DEFAULT, FROM_PRESET, FROM_FILE, FROM_LOGIN /* in a capture */ };

struct config_raw {
    struct str text;
    enum config_origin origin;
    unsigned line; /* counted from 1; 0: none to name */
};

struct config_raw_capture {
    struct str section;                 /* "capture NAME" */
    unsigned line;                      /* where it is opened first; 0: in a preset */
    struct config_raw raw[LOGIN_COUNT]; /* FROM_DEFAULT: not given */
};

struct config_reading {
    struct arena *arena;
    const char *name; /* the file's */
    struct config_raw raw[OPTION_COUNT];
    struct config_raw_capture captures[CONFIG_MAX_CAPTURES];
    size_t n_captures;
    struct str message; /* set once something failed */
};

/* Set the message; always false, so that a caller can return it. Line 0: no line to name. */
bool config_refuse(struct config_reading *reading, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Read an INI text into reading->raw. */
BFF_MUST_CHECK bool config_read_ini(struct config_reading *reading, struct str text,
                                    enum config_origin origin);

/* "capture NAME" -> NAME; empty if it is no such section. What stands there may still not be a
 * name: config_is_capture_name(). */
struct str config_capture_name(struct str section);
bool config_is_capture_name(struct str name);

struct config_raw_capture *config_find_capture(struct config_reading *reading, struct str section);

/* The capture of that section, new if there is none; NULL after config_refuse(). */
struct config_raw_capture *config_open_capture(struct config_reading *reading, struct str section,
                                               unsigned line);

/* Add the captures of a preset, key by key where the file has the same ones. */
BFF_MUST_CHECK bool config_merge_captures(struct config_reading *reading,
                                          const struct config_reading *preset);

/* What no capture says is as in [login]. */
void config_inherit_captures(struct config_reading *reading);

/* All three steps. */
BFF_MUST_CHECK bool config_load(struct config_reading *reading, struct str text,
                                struct config *out);

/* A duration within the row's range, which is in ms. */
BFF_MUST_CHECK bool config_read_duration_ms(const struct config_option *option, struct str text,
                                            uint32_t *ms);

/* What a row allows, as the end of a sentence. */
void config_add_allowed(struct buf *out, const struct config_option *option);

BFF_MUST_CHECK bool config_check_all(struct config_reading *reading, const struct config *config);
BFF_MUST_CHECK bool config_check_backend(struct config_reading *reading,
                                         const struct config *config);

/* The line to blame: that of the first of the two keys that stands in the file; else 0. */
unsigned config_line_of(const struct config_reading *reading, enum config_id a, enum config_id b);

/* "section.key" and "section.key = value" for a sentence. */
#define KEY_FORMAT "%.*s.%.*s"
#define KEY_ARGS(id) STR_ARG(config_options[id].section), STR_ARG(config_options[id].key)
#define SETTING_FORMAT KEY_FORMAT " = %.*s"
#define SETTING_ARGS(id) KEY_ARGS(id), STR_ARG(reading->raw[id].text)

/* Do both calls have one method and, but for its last slash and its query, one path? */
bool config_is_same_call(const struct config_call *a, const struct config_call *b);

/* The path without query and without its last slash. */
struct str config_bare_path(const struct config_call *call);

/* The nearest of the names to `wrong` if it is near enough to be what was meant; else n. */
size_t config_nearest(struct str wrong, const struct str *names, size_t n);

/* Characters and small grammars that several readers need. */
bool config_is_token(struct str s);   /* RFC 9110, 5.6.2: header, cookie and method names */
bool config_is_visible(struct str s); /* not empty, visible ASCII only */
bool config_is_pointer(struct str s); /* RFC 6901, not the empty pointer */
struct str config_next_word(struct str *rest);

/* $NAME in a template. */
struct config_variables {
    unsigned n_access, n_refresh, n_others;
    bool has_bare; /* a $ with no name behind it */
};
struct config_variables config_find_variables(struct str text);

/*
 * A deliberately small JSON (RFC 8259): ASCII, integers of at most 15 digits, no \u escapes, at
 * most 8 levels and 16 members of an object, no member twice. What passes is read by every parser
 * alike. A template's keys hold no $; elsewhere a $ outside of strings is no JSON anyway.
 */
bool config_is_json_object(struct str text);
bool config_is_json_scalar(struct str text);

#endif
