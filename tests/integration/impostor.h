/* A server that plays Redis: every answer is the next of a list, whatever was asked. */
#ifndef TESTS_INTEGRATION_IMPOSTOR_H
#define TESTS_INTEGRATION_IMPOSTOR_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store_fixture.h"

#define TIME "*2\r\n$10\r\n1763750000\r\n$1\r\n5\r\n"
#define SHA "$40\r\n0123456789012345678901234567890123456789\r\n"

/* Answers every read with the next of `replies`, then closes; for one connection. */
struct impostor {
    int listener;
    const char *const *replies;
    pthread_t thread;
    char url[96]; /* for redis.url */
};

static inline void *play(void *self)
{
    struct impostor *im = self;
    char bytes[8192];
    int fd = accept(im->listener, NULL, NULL);
    close(im->listener); /* who comes again is refused at once */
    for (size_t i = 0; fd >= 0 && im->replies[i]; i++) {
        /* A script comes in several reads: one command is over when its client waits. */
        if (recv(fd, bytes, sizeof bytes, 0) <= 0)
            break;
        while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
            ;
        size_t n = strlen(im->replies[i]);
        if (send(fd, im->replies[i], n, MSG_NOSIGNAL) != (ssize_t)n)
            break;
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

/* What it plays: a scheme and its "://", and what stands behind host and port. */
static inline void start_impostor(struct impostor *im, const char *scheme, const char *rest,
                                  const char *const *replies)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    im->replies = replies;
    im->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(im->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(im->listener, 1), 0);
    assert_int_equal(getsockname(im->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(im->url, sizeof im->url, "%s127.0.0.1:%u%s", scheme, ntohs(address.sin_port), rest);
    assert_int_equal(pthread_create(&im->thread, NULL, play, im), 0);
}

static inline enum bff_err ask_impostor_as(const char *scheme, const char *rest,
                                           enum bff_err (*question)(struct store *),
                                           const char *const *replies, char *error, size_t size)
{
    struct impostor im;
    start_impostor(&im, scheme, rest, replies);
    config.redis.url = str_from(im.url);
    config.redis.command_ms = 1000;
    struct store_options options = options_now();
    struct store *s = store_open(&options);
    enum bff_err err = question(s);
    snprintf(error, size, "%s", store_last_error(s));
    store_close(s);
    pthread_join(im.thread, NULL);
    return err;
}

static inline enum bff_err ask_impostor(enum bff_err (*question)(struct store *),
                                        const char *const *replies, char *error, size_t size)
{
    return ask_impostor_as("redis://", "", question, replies, error, size);
}

#endif
