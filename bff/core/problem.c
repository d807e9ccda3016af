#include "core/problem.h"

/* What only our own code sees is nobody else's business. */
static enum bff_err shown(enum bff_err e)
{
    return e > BFF_ERR_INTERNAL ? BFF_ERR_INTERNAL : e;
}

void problem_add(struct buf *out, enum bff_err e, struct str request_id)
{
    e = shown(e);
    buf_add(out, STR("{\"type\":\"about:blank\",\"title\":\""));
    buf_add_json(out, err_sentence(e));
    buf_add(out, STR("\",\"status\":"));
    buf_add_i64(out, err_status(e));
    buf_add(out, STR(",\"code\":\""));
    buf_add_json(out, err_code(e));
    buf_add(out, STR("\",\"request_id\":\""));
    buf_add_json(out, request_id);
    buf_add(out, STR("\"}"));
}
