/*
 * FastCGI as the worker sees it: the record scanner on raw bytes, and the params (the input's lines
 * as NAME=value strings) up to the decision whether a call is admitted.
 */
#include <stdlib.h>
#include <string.h>

#include "server/params.h"
#include "server/records.h"

#define PARAMS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_params(char *text)
{
    static const struct config config = {.redis.prefix = {"bff:", 4}};
    char *envp[PARAMS_MAX + 1];
    size_t n = 0;
    char *rest = text, *line;
    while (n < PARAMS_MAX && (line = strsep(&rest, "\n")))
        envp[n++] = line;
    envp[n] = NULL;
    struct call call;
    enum bff_err err = params_read(envp, &call);
    if (err != BFF_OK && err != BFF_ERR_BAD_REQUEST)
        abort();
    if (call_admit(&call, &config) == BFF_OK && call.has_session && call.cookie_duplicated)
        abort();
}

/* Every pair lies within the params, and they are used up. */
static void read_pairs(const struct records_request *request, size_t size)
{
    struct str rest = request->pairs, name, value;
    const char *end = rest.p + rest.n;
    if (size < 32 || request->size > size)
        abort(); /* begin, end of params and end of body need more */
    if (request->body + request->pairs.n > request->size)
        abort();
    while (records_next_pair(&rest, &name, &value))
        if (name.n == 0 || value.p + value.n != rest.p || rest.p > end)
            abort();
    struct call call;
    enum bff_err err = params_read_pairs(request->pairs, &call);
    if (err != BFF_OK && err != BFF_ERR_BAD_REQUEST)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct records_request request;
    if (records_scan((struct str){(const char *)data, size}, &request) == RECORDS_READY)
        read_pairs(&request, size);
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = 0;
    read_params(text);
    free(text);
    return 0;
}
