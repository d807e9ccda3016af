/*
 * What the files of the configuration share. A text becomes a struct in three steps:
 *
 *   config_ini.c                                      text -> a raw value for each row, with origin
 *   config_number.c config_place.c config_dialect.c   raw value -> field, by the row's kind
 *   config_check.c                                    what no single row can know
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
      "redis://HOST[:PORT][/DB] or unix:///PATH[?db=DB]")                                         \
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
      "json:/POINTER (RFC 6901) or cookie:NAME")                                                  \
    X(SEND, struct config_send, config_read_send, "way",                                          \
      "json OBJECT, form NAME=VALUE&..., cookie NAME, or none; "                                  \
      "$refresh and $access stand for the tokens")                                                \
    X(MATCH, struct config_match, config_read_match, "match", NULL)                               \
    X(REVOKE_AUTH, bool, config_read_revoke_auth, "what", "none or access")

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
extern const struct config_section config_sections[];
extern const size_t config_n_sections;

struct config_preset {
    struct str name;
    struct str text; /* an INI text, read by the same reader as a file */
};
extern const struct config_preset config_presets[];
extern const size_t config_n_presets;
const struct config_preset *config_find_preset(struct str name); /* NULL if there is none */

enum config_origin { FROM_DEFAULT, FROM_PRESET, FROM_FILE };

struct config_raw {
    struct str text;
    enum config_origin origin;
    unsigned line; /* counted from 1; only FROM_FILE */
};

struct config_reading {
    struct arena *arena;
    const char *name; /* the file's */
    struct config_raw raw[OPTION_COUNT];
    struct str message; /* set once something failed */
};

/* Set the message; always false, so that a caller can return it. Line 0: no line to name. */
bool config_refuse(struct config_reading *reading, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Read an INI text into reading->raw. */
BFF_MUST_CHECK bool config_read_ini(struct config_reading *reading, struct str text,
                                    enum config_origin origin);

/* All three steps. */
BFF_MUST_CHECK bool config_load(struct config_reading *reading, struct str text,
                                struct config *out);

/* What a row allows, as the end of a sentence. */
void config_add_allowed(struct buf *out, const struct config_option *option);

BFF_MUST_CHECK bool config_check_all(struct config_reading *reading, const struct config *config);

/* The nearest of the names to `wrong` if it is near enough to be what was meant; else n. */
size_t config_nearest(struct str wrong, const struct str *names, size_t n);

/* Characters and small grammars that several readers need. */
bool config_is_token(struct str s);   /* RFC 9110, 5.6.2: header, cookie and method names */
bool config_is_visible(struct str s); /* not empty, visible ASCII only */
bool config_is_pointer(struct str s); /* RFC 6901, not the empty pointer */
struct str config_next_word(struct str *rest);

/* $refresh and $access in a template; `known` is false if it has another $name. */
struct config_variables {
    unsigned n_access, n_refresh;
    bool known;
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
