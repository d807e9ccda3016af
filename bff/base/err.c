#include "base/err.h"

#include <assert.h>

struct err_row {
    int status;
    struct str code, sentence;
};

static const struct err_row rows[BFF_ERR_COUNT] = {
#define X(name, status, code, sentence)                                                            \
    [BFF_ERR_##name] = {status, {"" code, sizeof(code) - 1}, {"" sentence, sizeof(sentence) - 1}},
    BFF_ERRORS(X)
#undef X
};

static const struct err_row *row_of(enum bff_err e)
{
    assert((unsigned)e < BFF_ERR_COUNT);
    return &rows[e];
}

int err_status(enum bff_err e)
{
    return row_of(e)->status;
}

struct str err_code(enum bff_err e)
{
    return row_of(e)->code;
}

struct str err_sentence(enum bff_err e)
{
    return row_of(e)->sentence;
}

enum bff_err err_from_code(struct str code)
{
    for (unsigned e = 0; e < BFF_ERR_COUNT; e++)
        if (str_eq(rows[e].code, code))
            return (enum bff_err)e;
    return BFF_ERR_INTERNAL;
}
