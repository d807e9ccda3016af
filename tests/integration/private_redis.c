#include "private_redis.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_EVERY_MS 5
#define LOOKS_MAX 2000
#define OPTIONS_MAX 96

static void give_up(const char *what)
{
    perror(what);
    abort();
}

void look_again(int *looks)
{
    if (++*looks > LOOKS_MAX) {
        fprintf(stderr, "what the test waits for does not happen\n");
        abort();
    }
    poll(NULL, 0, LOOK_EVERY_MS);
}

void private_redis_make(struct private_redis *r)
{
    *r = (struct private_redis){.directory = "/tmp/bff-redis-XXXXXX"};
    if (!mkdtemp(r->directory))
        give_up("mkdtemp");
    snprintf(r->socket, sizeof r->socket, "%s/socket", r->directory);
    snprintf(r->url, sizeof r->url, "unix://%s", r->socket);
}

int private_redis_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        give_up("a free port");
    close(fd);
    return ntohs(address.sin_port);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

void private_redis_remove(struct private_redis *r)
{
    private_redis_stop(r);
    nftw(r->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void become(const char *const *argv)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* Its first words, before the log file is open, would stand among the tests' own. */
    if (!freopen("/dev/null", "w", stdout))
        _exit(127);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

static void become_redis(const struct private_redis *r, const char *const *options)
{
    char port[8];
    snprintf(port, sizeof port, "%d", r->port);
    const char *argv[OPTIONS_MAX + 24] = {
        "redis-server", "--port",      port,         "--unixsocket",
        r->socket,      "--save",      "",           "--appendonly",
        "no",           "--dir",       r->directory, "--logfile",
        "redis.log",    "--daemonize", "no",         "--enable-debug-command",
        "local",        "--bind",      "127.0.0.1"};
    size_t n = 19;
    for (size_t i = 0; options && options[i] && i < OPTIONS_MAX; i++)
        argv[n++] = options[i];
    become(argv);
}

static bool answers(const struct private_redis *r)
{
    redisContext *c = redisConnectUnixWithTimeout(r->socket, (struct timeval){.tv_sec = 5});
    redisReply *reply = c && !c->err ? redisCommand(c, "PING") : NULL;
    bool ok = reply && (reply->type == REDIS_REPLY_STATUS ||
                        strncmp(reply->str, "LOADING", strlen("LOADING")) == 0);
    if (reply)
        freeReplyObject(reply);
    if (c)
        redisFree(c);
    return ok;
}

static void wait_for_answer(struct private_redis *r)
{
    for (int looks = 0; !answers(r);) {
        if (waitpid(r->pid, NULL, WNOHANG) == r->pid)
            give_up("redis-server ended at once (is it installed?)");
        look_again(&looks);
    }
}

void private_redis_start(struct private_redis *r, const char *const *options)
{
    unlink(r->socket);
    r->pid = fork();
    if (r->pid < 0)
        give_up("fork");
    if (r->pid == 0)
        become_redis(r, options);
    wait_for_answer(r);
}

void private_redis_start_sentinel(struct private_redis *r, const char *file)
{
    unlink(r->socket);
    r->pid = fork();
    if (r->pid < 0)
        give_up("fork");
    if (r->pid == 0) {
        const char *argv[] = {"redis-server", file, "--sentinel", NULL};
        become(argv);
    }
    wait_for_answer(r);
}

void private_redis_user_option(char *line, const char *out[USER_OPTION_MAX])
{
    size_t n = 0;
    for (char *word = strtok(line, " \n"); word && n < USER_OPTION_MAX - 1;
         word = strtok(NULL, " \n"))
        out[n++] = word;
    out[0] = "--user";
    out[n] = NULL;
}

static void end_with(struct private_redis *r, int signal)
{
    if (r->pid == 0)
        return;
    kill(r->pid, signal);
    kill(r->pid, SIGCONT);
    waitpid(r->pid, NULL, 0);
    r->pid = 0;
}

void private_redis_stop(struct private_redis *r)
{
    end_with(r, SIGTERM);
}

void private_redis_kill(struct private_redis *r)
{
    end_with(r, SIGKILL);
}

void private_redis_pause(struct private_redis *r)
{
    kill(r->pid, SIGSTOP);
}

void private_redis_resume(struct private_redis *r)
{
    kill(r->pid, SIGCONT);
}

redisContext *private_redis_connect(const struct private_redis *r)
{
    struct timeval limit = {.tv_sec = 10};
    redisContext *c = redisConnectUnixWithTimeout(r->socket, limit);
    if (!c || c->err)
        give_up("connecting to the private Redis");
    redisSetTimeout(c, limit);
    return c;
}
