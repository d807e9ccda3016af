/*
 * The scripts that change sessions: run by their SHA, or by their source when Redis has forgotten
 * them.
 */
#ifndef BFF_STORE_SCRIPT_H
#define BFF_STORE_SCRIPT_H

#include "store/connection.h"

enum script {
    SCRIPT_TOUCH,
    SCRIPT_CREATE,
    SCRIPT_BEGIN,
    SCRIPT_COMMIT,
    SCRIPT_REJECT,
    SCRIPT_FAIL,
    SCRIPT_LOGOUT,
    SCRIPT_ATTEMPT,
    SCRIPT_MEMBERS,
    SCRIPT_COUNT
};

#define SCRIPT_SHA_LENGTH 40
#define SCRIPT_MAX_ARGS 8
#define SCRIPT_MAX_VALUES 4

/* Arguments after the key. Numbers are written into `numbers`, so this must not be copied. */
struct script_args {
    struct str values[SCRIPT_MAX_ARGS];
    char numbers[SCRIPT_MAX_ARGS][24];
    size_t n;
};

void script_add(struct script_args *args, struct str value);
void script_add_number(struct script_args *args, int64_t value);

struct scripts {
    char sha[SCRIPT_COUNT][SCRIPT_SHA_LENGTH + 1]; /* empty: not loaded yet */
};

/* What a script answered: strings, the first of which is its outcome. Views into `reply`. */
struct script_reply {
    redisReply *reply;
    struct str outcome;
    struct str values[SCRIPT_MAX_VALUES];
    size_t n; /* without the outcome */
};

/* Run on a ready connection. BFF_ERR_STORE_UNAVAILABLE: `c->error` says why. */
BFF_MUST_CHECK enum bff_err script_run(struct scripts *scripts, struct connection *c,
                                       enum script which, struct str key,
                                       const struct script_args *args, struct script_reply *out);
bool script_reply_is(const struct script_reply *reply, struct str outcome, size_t values);
void script_reply_free(struct script_reply *reply);

/* An answer that the script's contract does not know. Always BFF_ERR_STORE_UNAVAILABLE. */
enum bff_err script_misunderstood(struct connection *c);

#endif
