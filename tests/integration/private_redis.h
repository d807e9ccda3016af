/*
 * A Redis of a test's own: on a unix socket in a directory made for it, saving nothing unless it is
 * asked to. It dies with the test.
 */
#ifndef TESTS_INTEGRATION_PRIVATE_REDIS_H
#define TESTS_INTEGRATION_PRIVATE_REDIS_H

#include <stdbool.h>
#include <sys/types.h>

#include <hiredis/hiredis.h>

struct private_redis {
    char directory[48];
    char socket[64];
    char url[80]; /* for redis.url */
    int port;     /* on loopback; 0: none */
    pid_t pid;    /* 0: not running */
};

/* Make the directory. These functions print what went wrong and abort the test program. */
void private_redis_make(struct private_redis *r);
void private_redis_remove(struct private_redis *r); /* stops it, too */

/* Start and wait until it answers, be it that it is loading. `options` are redis-server's, ended by
 * NULL; may be NULL. */
void private_redis_start(struct private_redis *r, const char *const *options);
/* Start as a sentinel with this configuration file, which the sentinel rewrites. */
void private_redis_start_sentinel(struct private_redis *r, const char *file);
void private_redis_stop(struct private_redis *r);
void private_redis_kill(struct private_redis *r); /* kill -9 */
void private_redis_pause(struct private_redis *r);
void private_redis_resume(struct private_redis *r);

/* The NULL-ended option "--user ..." for redis-server's command line out of a line of an aclfile,
 * which is cut up in place. */
#define USER_OPTION_MAX 48
void private_redis_user_option(char *line, const char *out[USER_OPTION_MAX]);

/* A loopback port that nothing listens on just now. */
int private_redis_free_port(void);

/* A connection of the test's own, with a time limit of some seconds. */
redisContext *private_redis_connect(const struct private_redis *r);

/* Wait a moment between two looks at a condition; aborts when `*looks` shows that it never comes.
 */
void look_again(int *looks);

#endif
