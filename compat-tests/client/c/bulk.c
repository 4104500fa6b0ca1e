/* Much of it: data up to the limit of a frame and beyond, long paths, thousands of children. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "scenarios.h"

/* The most that a server takes in one frame, by its default `jute.maxbuffer`. */
enum { frame_bytes_max = 0xfffff };

static struct bytes pattern(int length, int seed)
{
    char *start = malloc((size_t)length);
    for (int at = 0; at < length; at++) start[at] = (char)(at * 31 + at / 251 + seed);
    return (struct bytes){start, length};
}

/* The longest frame that passes, and one byte more: the connection is lost, and comes back. */
static void around_the_limit(struct client *c)
{
    static const int extras[] = {-1, 0, 1, 1000, 900000};
    int overhead = 8 + 4 + (int)strlen("/edge") + 4 + 4;
    create(c, "/edge", "");
    for (int at = 0; at < 5; at++) {
        set_bytes(c, "/edge", pattern(frame_bytes_max - overhead + extras[at], 3), -1);
        if (extras[at] > 0) until(c, ZOO_CONNECTED_STATE);
        exists(c, "/edge");
    }
}

static void transactions(struct client *c)
{
    static const int sizes[] = {100, 5000, 10000};
    for (int at = 0; at < 3; at++) {
        struct transaction *t = transaction();
        char *content = malloc((size_t)sizes[at] + 1);
        memset(content, 'a' + at, (size_t)sizes[at]);
        content[sizes[at]] = '\0';
        for (int part = 0; part < 120; part++)
            then_create(t, below("", "part-%d-%d", at, part), content, ZOO_PERSISTENT);
        if (commit(c, "120 parts", t) != ZOK) until(c, ZOO_CONNECTED_STATE);
        exists(c, below("", "part-%d-119", at));
    }
}

static void long_paths(struct client *c)
{
    char path[path_bytes_max] = "/";
    memset(path + 1, 'n', 4000);
    path[4001] = '\0';
    create(c, path, "found");
    get(c, path);
    delete(c, path, 0);
    path[0] = '\0';
    for (int depth = 1; depth <= 500; depth++) {
        sprintf(path + strlen(path), "/d%d", depth);
        zoo_create(c->handle, path, NULL, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0);
    }
    set(c, path, "deep", 0);
    get(c, path);
    *strrchr(path, '/') = '\0';
    delete(c, path, -1);
}

void play_large_data(void)
{
    static const int lengths[] = {1, 4096, 65535, 65536, 500000, 1000000};
    struct client *c = open_session("a");
    for (int at = 0; at < 6; at++) {
        const char *path = below("", "large-%d", lengths[at]);
        c->by_callback = false;
        create_with(c, path, pattern(lengths[at], 1), &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT);
        get(c, path);
        c->by_callback = true;
        set_bytes(c, path, pattern(lengths[at], 2), 0);
        get(c, path);
    }
    c->by_callback = false;
    around_the_limit(c);
    transactions(c);
    long_paths(c);
    children2(c, "/", NULL);
}

/* Codes of pipelined calls. */
enum { child_count = 10000 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static int good, bad, last_bad;

static void count(int code)
{
    pthread_mutex_lock(&lock);
    if (code == ZOK) good++;
    else bad++;
    if (code != ZOK) last_bad = code;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

static void on_text(int code, const char *value, const void *context)
{
    (void)value;
    (void)context;
    count(code);
}

static void on_stat(int code, const struct Stat *stat, const void *context)
{
    (void)context;
    count(code == ZOK && stat->version != 1 ? ZBADVERSION : code);
}

static void on_data(int code, const char *value, int length, const struct Stat *stat, const void *context)
{
    char expected[16];
    snprintf(expected, sizeof expected, "d%d", (int)(intptr_t)context);
    bool is_right = code == ZOK && stat->version == 0 && length == (int)strlen(expected) &&
                    memcmp(value, expected, (size_t)length) == 0;
    count(code == ZOK && !is_right ? ZDATAINCONSISTENCY : code);
}

static void on_void(int code, const void *context)
{
    (void)context;
    count(code);
}

static void show_count(const char *what)
{
    struct timespec until_then = deadline();
    pthread_mutex_lock(&lock);
    while (good + bad < child_count)
        if (pthread_cond_timedwait(&change, &lock, &until_then) != 0) fail("%s: only %d", what, good + bad);
    say("", what, "iii", good, bad, last_bad);
    good = bad = last_bad = 0;
    pthread_mutex_unlock(&lock);
}

static int by_text(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static void summary(struct client *c)
{
    struct answer *a = ask_children2(c, "/crowd", NULL);
    uint32_t sum = 0;
    if (a->names.count > 0) qsort(a->names.data, (size_t)a->names.count, sizeof a->names.data[0], by_text);
    for (int at = 0; at < a->names.count; at++)
        sum = sum * 31 + checksum(a->names.data[at], strlen(a->names.data[at]));
    say("", "children", "iilS", a->code, a->names.count, (int64_t)sum, &a->stat);
    free_answer(a);
}

void play_many_children(void)
{
    struct client *c = open_session("a");
    struct client *watching = open_session("b");
    create(c, "/crowd", "0");
    children_watched(watching, "/crowd", watcher_of(watching, "children"));
    for (int turn = 0; turn < 2; turn++) {
        for (int at = 0; at < child_count; at++) {
            char data[16];
            int length = snprintf(data, sizeof data, "d%d", at);
            zoo_acreate(c->handle, below("/crowd", "c%d", at), data, length, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT,
                        on_text, NULL);
        }
        show_count(turn == 0 ? "created" : "created again");
        settle(watching);
        summary(c);
    }
    for (int at = 0; at < child_count; at++)
        zoo_acreate(c->handle, "/crowd/s-", NULL, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL_SEQUENTIAL, on_text, NULL);
    show_count("in sequence");
    summary(c);
    for (int at = 0; at < child_count; at++)
        zoo_awget(watching->handle, below("/crowd", "c%d", at), on_event, &watching->standard, on_data,
                  (void *)(intptr_t)at);
    show_count("read");
    for (int at = 0; at < child_count; at++)
        zoo_aset(c->handle, below("/crowd", "c%d", at), "e", 1, 0, on_stat, NULL);
    show_count("set");
    await_events(watching, child_count);
    for (int at = 0; at < child_count; at++)
        zoo_adelete(c->handle, below("/crowd", "c%d", at), 1, on_void, NULL);
    show_count("deleted");
    summary(c);
    children_watched(watching, "/crowd", watcher_of(watching, "children"));
    close_session(c);
    summary(watching);
    settle(watching);
    delete(watching, "/crowd", 0);
}
