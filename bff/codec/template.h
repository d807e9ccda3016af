/*
 * Templates of what is sent to a backend: a text in which `$NAME` stands for a value, escaped as
 * the text around it wants. A name is as long as letters, digits and '_' go on.
 */
#ifndef BFF_CODEC_TEMPLATE_H
#define BFF_CODEC_TEMPLATE_H

#include "base/arena.h"

enum template_escape {
    TEMPLATE_PLAIN, /* a header's or cookie's value */
    TEMPLATE_JSON,  /* inside a JSON string */
    TEMPLATE_FORM   /* a value of application/x-www-form-urlencoded */
};

struct template_variable {
    struct str name, value;
};

/* The next variable's name in *text, which then starts behind it; false when there is no more. A
 * '$' without a name is only text. */
bool template_next_name(struct str *text, struct str *name);

/* The text with its variables filled in, in one pass: a `$NAME` inside a value is only text, and so
 * is one that is not among `variables`. False when memory is out. */
BFF_MUST_CHECK bool template_fill(struct str text, const struct template_variable *variables,
                                  size_t n, enum template_escape escape, struct arena *arena,
                                  struct str *out);

#endif
