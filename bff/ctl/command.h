/* bffctl(8): its arguments, what all of its commands work with, and the commands. */
#ifndef BFF_CTL_COMMAND_H
#define BFF_CTL_COMMAND_H

#include <jansson.h>

#include "server/setup.h"

#define CTL_CONFIG "/etc/bffd/bff.conf"

enum ctl_status { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2 };

struct ctl {
    const char *file;
    bool as_json;
    const char *user, *session; /* NULL: not given */
    bool all;
    const char *step; /* of rotate-key; NULL: only look */
    bool now;         /* of rotate-key drop: though it ends sessions */
    struct arena arena;
    struct config config;
    struct setup *setup; /* with the keys and secrets; only for commands that need them */
};

/* "bffctl: SENTENCE" on standard error. Always CTL_FAILED. */
enum ctl_status ctl_complain(struct str sentence);

/* What a running bffd says of itself; the caller's to json_decref(). NULL: a sentence went to
 * standard error. */
json_t *ctl_ask_status(struct ctl *ctl);

/* One line on standard output, and `value`'s reference is taken. */
enum ctl_status ctl_print_json(json_t *value);

/* "3d 4h", "5m 2s": the two largest parts. */
#define CTL_DURATION_MAX 32
const char *ctl_duration(int64_t seconds, char text[CTL_DURATION_MAX]);

enum ctl_status ctl_show_status(struct ctl *ctl);
enum ctl_status ctl_show_pending(struct ctl *ctl);
enum ctl_status ctl_list(struct ctl *ctl);
enum ctl_status ctl_revoke(struct ctl *ctl);
enum ctl_status ctl_rotate_key(struct ctl *ctl);

#endif
