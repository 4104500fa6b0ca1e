/*
 * Sessions. Events are kept until the scenario asks for them, so that the trace does not depend on threads. States of the
 * connection are kept apart; a state that comes twice in a row (each failed attempt to connect is told) counts once.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "scenarios.h"

struct timespec deadline(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_sec += patience_s;
    return time;
}

static void note_state(struct client *client, int state)
{
    if (client->state_count > 0 && client->states[client->state_count - 1] == state) return;
    if (client->state_count == (int)(sizeof client->states / sizeof client->states[0])) fail("too many states");
    client->states[client->state_count++] = state;
}

static void note_event(struct client *client, int type, const char *path, const char *watcher)
{
    client->events = realloc(client->events, (size_t)(client->event_count + 1) * sizeof client->events[0]);
    struct told *told = &client->events[client->event_count++];
    told->type = type;
    told->path = strdup(path == NULL ? "" : path);
    told->watcher = watcher;
}

/* The function of every watcher; the context tells which one it is. */
void on_event(zhandle_t *handle, int type, int state, const char *path, void *context)
{
    struct watcher *watcher = context;
    (void)handle;
    if (watcher == NULL) return;
    struct client *client = watcher->client;
    pthread_mutex_lock(&client->lock);
    if (type != ZOO_SESSION_EVENT) note_event(client, type, path, watcher->name);
    else if (watcher == &client->standard) note_state(client, state);
    pthread_cond_broadcast(&client->change);
    pthread_mutex_unlock(&client->lock);
}

static struct client *open_with(const char *name, const char *hosts, int wanted_ms, const clientid_t *id, int flags)
{
    struct client *client = calloc(1, sizeof *client);
    client->name = name;
    client->standard.client = client;
    client->standard.name = "default";
    pthread_mutex_init(&client->lock, NULL);
    pthread_cond_init(&client->change, NULL);
    client->handle = zookeeper_init(hosts, on_event, wanted_ms, id, &client->standard, flags);
    if (client->handle == NULL) {
        // The chroot, or what stands for one, is what such a call is refused for.
        say(name, "init", "ss", hosts + strlen(server), strerror(errno));
    }
    return client;
}

struct client *open_at(const char *name, const char *hosts, int wanted_ms, const clientid_t *id, bool is_awaited)
{
    struct client *client = open_with(name, hosts, wanted_ms, id, 0);
    if (is_awaited) until(client, ZOO_CONNECTED_STATE);
    return client;
}

struct client *open_read_only(const char *name)
{
    struct client *client = open_with(name, server, timeout_ms, NULL, ZOO_READONLY);
    until(client, ZOO_CONNECTED_STATE);
    return client;
}

struct client *open_session(const char *name)
{
    return open_at(name, server, timeout_ms, NULL, true);
}

void close_session(struct client *client)
{
    say_open(client->name, "close", "");
    int code = zookeeper_close(client->handle);
    client->handle = NULL;
    say_outcome(code, "s", "ok");
}

struct watcher *watcher_of(struct client *client, const char *name)
{
    for (struct watcher *each = client->watchers; each != NULL; each = each->next)
        if (strcmp(each->name, name) == 0) return each;
    struct watcher *made = calloc(1, sizeof *made);
    made->client = client;
    made->name = strdup(name);
    made->next = client->watchers;
    client->watchers = made;
    return made;
}

/* Waits for another change at the client, which must be locked. */
static void wait_for_change(struct client *client, const struct timespec *until_then, const char *what)
{
    if (pthread_cond_timedwait(&client->change, &client->lock, until_then) == ETIMEDOUT)
        fail("never: %s of %s", what, client->name);
}

void until(struct client *client, int wanted)
{
    struct timespec until_then = deadline();
    int state = 0;
    do {
        pthread_mutex_lock(&client->lock);
        while (client->state_count == client->states_shown) wait_for_change(client, &until_then, state_name(wanted));
        state = client->states[client->states_shown++];
        pthread_mutex_unlock(&client->lock);
        say(client->name, "state", "s", state_name(state));
    } while (state != wanted);
}

static int by_change(const void *one, const void *other)
{
    return strcmp(((const struct told *)one)->watcher, ((const struct told *)other)->watcher);
}

static bool is_of_same_change(const struct told *one, const struct told *other)
{
    return one->type == other->type && strcmp(one->path, other->path) == 0;
}

/* Watchers of one change are told in the order of a hash table: they are shown by name. */
static int show_events(struct client *client)
{
    pthread_mutex_lock(&client->lock);
    struct told *events = client->events;
    int count = client->event_count;
    client->events = NULL;
    client->event_count = 0;
    pthread_mutex_unlock(&client->lock);
    for (int from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && is_of_same_change(&events[from], &events[to]);) to++;
        qsort(&events[from], (size_t)(to - from), sizeof events[0], by_change);
        for (int at = from; at < to; at++) {
            say_event(client->name, events[at].watcher, events[at].type, events[at].path);
            free(events[at].path);
        }
    }
    free(events);
    return count;
}

static void on_settled(int code, const struct Stat *stat, const void *context)
{
    (void)stat;
    bring((struct answer *)context, code);
}

void settle(struct client *client)
{
    struct answer *answer = new_answer();
    int code = zoo_aexists(client->handle, "/", 0, on_settled, answer);
    if (code != ZOK) fail("%s cannot settle: %s", client->name, zerror(code));
    await_answer(answer);
    free_answer(answer);
    say(client->name, "events", "i", show_events(client));
}

void await_events(struct client *client, int count)
{
    struct timespec until_then = deadline();
    pthread_mutex_lock(&client->lock);
    while (client->event_count < count) wait_for_change(client, &until_then, "event");
    pthread_mutex_unlock(&client->lock);
    show_events(client);
}
