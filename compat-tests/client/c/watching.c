/* Watches: each is set by a read and triggered once; their removal; the order of events, replies and changes. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "scenarios.h"

enum { look_count = 4, change_count = 11 };

static const char *const look_names[look_count] = {"exists", "get", "children", "children2"};

static void look_with(int look, struct client *c, const char *path, struct watcher *watcher)
{
    switch (look) {
    case 0: exists_watched(c, path, watcher); break;
    case 1: get_watched(c, path, watcher); break;
    case 2: children_watched(c, path, watcher); break;
    default: children2(c, path, watcher); break;
    }
}

/* A change by somebody else to a znode that has a child `kid`. */
static void change(int change, struct client *c, const char *path)
{
    struct transaction *t;
    switch (change) {
    case 0: set(c, path, "new", -1); break;
    case 1: set(c, path, "old", -1); break;
    case 2: set_acl(c, path, &ZOO_OPEN_ACL_UNSAFE, -1); break;
    case 3: create(c, below(path, "new"), NULL); break;
    case 4: create_mode(c, below(path, "%s", ""), NULL, ZOO_EPHEMERAL_SEQUENTIAL); break;
    case 5: delete(c, below(path, "kid"), -1); break;
    case 6: set(c, below(path, "kid"), "new", -1); break;
    case 7: create(c, below(path, "kid/grandchild"), NULL); break;
    case 8:
        commit(c, "both", then_delete(then_delete(transaction(), below(path, "kid"), 0), path, 0));
        create(c, path, "again");
        break;
    case 9:
        set(c, path, "new", 77);
        delete(c, path, -1);
        create(c, path, NULL);
        commit(c, "fails", then_check(then_set(transaction(), path, NULL, -1), path, 77));
        break;
    default:
        t = then_create(transaction(), below(path, "x"), NULL, ZOO_PERSISTENT);
        then_delete(then_set(t, path, NULL, -1), below(path, "x"), -1);
        commit(c, "several", then_set(t, path, NULL, -1));
        break;
    }
}

/* Each way to set a watch, and each change. */
static void every_pair(struct client *watching, struct client *changing)
{
    int number = 0;
    for (int look = 0; look < look_count; look++) {
        for (int step = 0; step < 2 * change_count; step++) {
            char path[64];
            snprintf(path, sizeof path, "/w/%d", number++);
            watching->by_callback = step % 2 == 1;
            create(changing, path, "old");
            create(changing, below(path, "kid"), NULL);
            look_with(look, watching, path, step % 2 == 0 ? &watching->standard : watcher_of(watching, "own"));
            change(step / 2, changing, path);
            settle(watching);
            set(changing, path, "once more", -1);
            create(changing, below(path, "more"), NULL);
            delete(changing, below(path, "more"), -1);
            settle(watching);
        }
    }
    watching->by_callback = false;
}

/* Only exists leaves a watch on what is not there. */
static void absent_znodes(struct client *watching, struct client *changing)
{
    create(changing, "/absent", NULL);
    for (int look = 0; look < look_count; look++) {
        const char *path = below("/absent", "%s", look_names[look]);
        look_with(look, watching, path, watcher_of(watching, "absent"));
        look_with(look, watching, path, &watching->standard);
        create(changing, path, NULL);
        settle(watching);
        set(changing, path, "x", 0);
        delete(changing, path, 1);
        settle(watching);
    }
    exists_watched(watching, "/absent/parent/child", &watching->standard);
    create(changing, "/absent/parent", NULL);
    settle(watching);
    create_mode(changing, "/absent/parent/child", NULL, ZOO_EPHEMERAL);
    settle(watching);
}

static void several_watchers(struct client *watching, struct client *changing)
{
    struct watcher *one = watcher_of(watching, "one");
    struct watcher *two = watcher_of(watching, "two");
    create(changing, "/many", "0");
    get_watched(watching, "/many", one);
    get_watched(watching, "/many", one);
    get_watched(watching, "/many", two);
    exists_watched(watching, "/many", &watching->standard);
    exists_watched(watching, "/many", one);
    children_watched(watching, "/many", one);
    children2(watching, "/many", two);
    get_watched(changing, "/many", &changing->standard);
    set(changing, "/many", "1", -1);
    settle(watching);
    settle(changing);
    set(changing, "/many", "2", -1);
    settle(watching);
    exists_watched(watching, "/many", two);
    delete(changing, "/many", -1);
    settle(watching);
    create(changing, "/many", NULL);
    settle(watching);
    get_watched(watching, "/many", one);
    set(watching, "/many", "by itself", -1);
    settle(watching);
    zoo_set_watcher(watching->handle, NULL);
    zoo_exists(watching->handle, "/many", 1, NULL);
    zoo_set_watcher(watching->handle, on_event);
    set(changing, "/many", "3", -1);
    settle(watching);
    struct client *third = open_session("third");
    get_watched(third, "/many", &third->standard);
    get_watched(watching, "/many", one);
    close_session(third);
    delete(changing, "/many", -1);
    settle(watching);
}

/* A read that is refused leaves no watch; one that was allowed is told although it could no longer read. */
static void forbidden(struct client *watching, struct client *changing)
{
    struct ACL_vector closed = acl_of(ZOO_PERM_ALL & ~ZOO_PERM_READ, "world", "anyone");
    create_with(changing, "/closed", none, &closed, ZOO_PERSISTENT);
    for (int turn = 0; turn < 2; turn++) {
        get_watched(watching, "/closed", watcher_of(watching, "get"));
        children_watched(watching, "/closed", watcher_of(watching, "children"));
        exists_watched(watching, "/closed", watcher_of(watching, "exists"));
        set_acl(changing, "/closed", &closed, -1);
        create(changing, "/closed/x", NULL);
        set(changing, "/closed", "x", -1);
        delete(changing, "/closed/x", -1);
        settle(watching);
        set_acl(changing, "/closed", &ZOO_OPEN_ACL_UNSAFE, -1);
    }
}

/* A local removal with a completion never calls it (3.8.0): those are left to the calls that wait. */
static void removal(struct client *watching, struct client *changing)
{
    static const ZooWatcherType types[] = {ZWATCHTYPE_CHILD, ZWATCHTYPE_DATA, ZWATCHTYPE_ANY};
    struct watcher *one = watcher_of(watching, "one");
    struct watcher *two = watcher_of(watching, "two");
    for (int round = 0; round < 24; round++) {
        ZooWatcherType type = types[round % 3];
        int local = round < 12 ? round / 3 % 2 : 0;
        const char *path = below("", "removed-%d", round);
        watching->by_callback = round >= 12;
        create(changing, path, "0");
        remove_watches(watching, path, type, one, local);
        get_watched(watching, path, one);
        get_watched(watching, path, two);
        children_watched(watching, path, one);
        exists_watched(watching, below(path, "kid"), two);
        if (round / 6 % 2 == 0) {
            remove_watches(watching, path, type, one, local);
            remove_watches(watching, path, type, one, local);
        } else {
            remove_all_watches(watching, path, type, local);
            remove_all_watches(watching, path, type, local);
        }
        settle(watching);
        set(changing, path, "1", -1);
        create(changing, below(path, "kid"), NULL);
        delete(changing, below(path, "kid"), -1);
        settle(watching);
        remove_watches(watching, below(path, "none"), type, NULL, local);
        delete(changing, path, -1);
        settle(watching);
    }
    watching->by_callback = false;
}

void play_watches(void)
{
    struct client *watching = open_session("a");
    struct client *changing = open_session("b");
    create(changing, "/w", NULL);
    every_pair(watching, changing);
    absent_znodes(watching, changing);
    several_watchers(watching, changing);
    forbidden(watching, changing);
    removal(watching, changing);
}

/* What reaches a session's one completion thread, in order: events and replies, as lines. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char **seen;
static int seen_count;

static void note(const char *what, const char *path, int number)
{
    char line[256];
    snprintf(line, sizeof line, "%s %s %d", what, path, number);
    pthread_mutex_lock(&lock);
    seen = realloc(seen, (size_t)(seen_count + 1) * sizeof seen[0]);
    seen[seen_count++] = strdup(line);
    pthread_mutex_unlock(&lock);
}

static void show_seen(void)
{
    for (int at = 0; at < seen_count; at++) say("", "in order", "s", seen[at]);
    seen_count = 0;
}

static void noting(zhandle_t *handle, int type, int state, const char *path, void *context)
{
    (void)handle;
    (void)context;
    if (type != ZOO_SESSION_EVENT) note(state == ZOO_CONNECTED_STATE ? "event" : "odd event", path, type);
}

static void on_data(int code, const char *value, int length, const struct Stat *stat, const void *context)
{
    char what[64];
    snprintf(what, sizeof what, "get %.*s", code == ZOK && length > 0 ? length : 0, code == ZOK ? value : "");
    note(what, code == ZOK && stat->numChildren > 0 ? "a parent" : "", code);
    bring((struct answer *)context, code);
}

static void on_names(int code, const struct String_vector *names, const void *context)
{
    note("children", "", code == ZOK ? names->count : code);
    if (context != NULL) bring((struct answer *)context, code);
}

static void on_stat(int code, const struct Stat *stat, const void *context)
{
    note(context, "", code == ZOK ? stat->version : code);
}

static void on_text(int code, const char *value, const void *context)
{
    note(context, code == ZOK ? value : "", code);
}

static void on_void(int code, const void *context)
{
    note(context, "", code);
}

static void get_and_wait(struct client *c, const char *path)
{
    struct answer *answer = new_answer();
    if (zoo_aget(c->handle, path, 0, on_data, answer) == ZOK) await_answer(answer);
    free_answer(answer);
}

static void event_before_reply(struct client *watching, struct client *changing)
{
    for (int round = 0; round < 20; round++) {
        char data[16];
        snprintf(data, sizeof data, "v%d", round);
        zoo_awexists(watching->handle, "/order", noting, NULL, on_stat, "exists");
        zoo_awget_children(watching->handle, "/order", noting, NULL, on_names, NULL);
        settle(watching);
        set(changing, "/order", data, -1);
        get_and_wait(watching, "/order");
        create(changing, below("/order", "c%d", round), "x");
        get_and_wait(watching, below("/order", "c%d", round));
    }
    show_seen();
}

/* A session's own pipelined changes: the event comes before the reply of the change itself. */
static void own_changes(struct client *c)
{
    for (int round = 0; round < 10; round++) {
        const char *path = below("/order", "own%d", round);
        zoo_awexists(c->handle, path, noting, NULL, on_stat, "exists");
        zoo_acreate(c->handle, path, "x", 1, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, on_text, "create");
        zoo_awexists(c->handle, path, noting, NULL, on_stat, "exists");
        zoo_aset(c->handle, path, "y", 1, 0, on_stat, "set");
        zoo_aset(c->handle, path, "z", 1, 0, on_stat, "set again");
        zoo_adelete(c->handle, path, 1, on_void, "delete");
    }
    settle(c);
    show_seen();
}

static void many_changes(struct client *watching, struct client *changing)
{
    enum { count = 60 };
    create(changing, "/many", NULL);
    for (int at = 0; at < count; at++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", at);
        if (at % 3 != 0) create(changing, below("/many", "%d", at), NULL);
        exists_watched(watching, below("/many", "%d", at), watcher_of(watching, name));
    }
    children_watched(watching, "/many", watcher_of(watching, "children"));
    for (int step = 0; step < count; step++) {
        const char *path = below("/many", "%d", step * 7 % count);
        int kind = step * 7 % count % 3;
        if (kind == 0)
            zoo_acreate(changing->handle, path, NULL, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, on_text, "create");
        else if (kind == 1) zoo_aset(changing->handle, path, NULL, -1, -1, on_stat, "set");
        else zoo_adelete(changing->handle, path, -1, on_void, "delete");
    }
    settle(changing);
    settle(watching);
    show_seen();
}

static int by_path(const void *one, const void *other)
{
    return strcmp(((const struct told *)one)->path, ((const struct told *)other)->path);
}

/* What a closing session deletes is deleted in the order of a hash table: its events are sorted by path. */
static void end_of_a_session(struct client *watching)
{
    struct client *mortal = open_session("mortal");
    create(mortal, "/mortal", NULL);
    for (int at = 0; at < 20; at++) {
        create_mode(mortal, below("/mortal", "%c", 'a' + at), NULL, ZOO_EPHEMERAL);
        exists_watched(watching, below("/mortal", "%c", 'a' + at), watcher_of(watching, "mortal"));
    }
    children_watched(watching, "/mortal", watcher_of(watching, "parent"));
    close_session(mortal);
    struct answer *answer = ask_sync(watching, "/mortal");
    free_answer(answer);
    pthread_mutex_lock(&watching->lock);
    qsort(watching->events, (size_t)watching->event_count, sizeof watching->events[0], by_path);
    pthread_mutex_unlock(&watching->lock);
    settle(watching);
    children2(watching, "/mortal", NULL);
}

void play_watch_order(void)
{
    struct client *watching = open_session("a");
    struct client *changing = open_session("b");
    create(changing, "/order", "0");
    event_before_reply(watching, changing);
    own_changes(watching);
    many_changes(watching, changing);
    end_of_a_session(watching);
}
