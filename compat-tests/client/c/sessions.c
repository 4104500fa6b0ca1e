/* A session's life: how it ends, how it is lost, how it outlives its connection and its server. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "scenarios.h"

static void say_id(struct client *c)
{
    say_session(c->name, zoo_client_id(c->handle)->client_id);
    say(c->name, "timeout", "i", zoo_recv_timeout(c->handle));
}

/* What the completions of pipelined calls brought. */
struct tally {
    pthread_mutex_t lock;
    pthread_cond_t change;
    int created;
    int version;
    bool has_failed;
    int failures;
};

static void on_created(int code, const char *path, const void *context)
{
    struct tally *tally = (struct tally *)context;
    (void)path;
    pthread_mutex_lock(&tally->lock);
    if (code == ZOK) tally->created++;
    else tally->failures++;
    tally->has_failed |= code != ZOK;
    pthread_cond_broadcast(&tally->change);
    pthread_mutex_unlock(&tally->lock);
}

static void on_counted(int code, const struct Stat *stat, const void *context)
{
    struct tally *tally = (struct tally *)context;
    pthread_mutex_lock(&tally->lock);
    if (code == ZOK) tally->version = stat->version;
    tally->has_failed |= code != ZOK;
    pthread_cond_broadcast(&tally->change);
    pthread_mutex_unlock(&tally->lock);
}

static void start_tally(struct tally *tally)
{
    memset(tally, 0, sizeof *tally);
    pthread_mutex_init(&tally->lock, NULL);
    pthread_cond_init(&tally->change, NULL);
}

void play_session_end(void)
{
    static struct tally tally;
    struct client *watching = open_session("a");
    struct client *ending = open_session("b");
    create(watching, "/e", NULL);
    create_mode(ending, "/e/mortal", "x", ZOO_EPHEMERAL);
    create_mode(ending, "/e/seq-", "y", ZOO_EPHEMERAL_SEQUENTIAL);
    create(ending, "/e/lasting", "z");
    get_watched(watching, "/e/mortal", watcher_of(watching, "data"));
    exists_watched(watching, "/e/mortal", watcher_of(watching, "exists"));
    children_watched(watching, "/e/lasting", watcher_of(watching, "children of another"));
    say_id(ending);
    clientid_t id = *zoo_client_id(ending->handle);
    close_session(ending);
    settle(watching);
    children2(watching, "/e", NULL);
    struct client *returning = open_at("returning", server, timeout_ms, &id, false);
    until(returning, ZOO_EXPIRED_SESSION_STATE);
    exists(returning, "/e");
    say(returning->name, "state now", "sb", state_name(zoo_state(returning->handle)),
        is_unrecoverable(returning->handle) != ZOK);
    close_session(returning);

    struct client *modest = open_read_only("modest");
    say(modest->name, "state now", "s", state_name(zoo_state(modest->handle)));
    create_mode(modest, "/e/modest", "m", ZOO_EPHEMERAL);
    say_id(modest);
    close_session(modest);

    start_tally(&tally);
    struct client *hasty = open_session("hasty");
    for (int at = 0; at < 50; at++)
        zoo_acreate(hasty->handle, below("/e", "h%d", at), "x", 1, &ZOO_OPEN_ACL_UNSAFE,
                    at % 2 == 0 ? ZOO_PERSISTENT : ZOO_EPHEMERAL, on_created, &tally);
    settle(hasty);
    close_session(hasty);
    say("", "created before the end", "ii", tally.created, tally.failures);
    children2(watching, "/e", NULL);
}

static void timeouts(void)
{
    static const int wanted[] = {500, 999, 1000, 1001, 5000, 9999, 10000, 10001, 1000000};
    for (size_t at = 0; at < sizeof wanted / sizeof wanted[0]; at++) {
        struct client *c = open_at("wanting", server, wanted[at], NULL, true);
        say(c->name, "timeout", "ii", wanted[at], zoo_recv_timeout(c->handle));
        close_session(c);
    }
}

void play_session_expiry(void)
{
    timeouts();
    struct client *watching = open_session("watching");
    create(watching, "/x", NULL);
    for (int is_frozen = 0; is_frozen < 2; is_frozen++) {
        struct relay *relay = new_relay();
        struct client *mortal = open_at(is_frozen ? "frozen" : "cut", relay_address(relay), 2000, NULL, true);
        say_id(mortal);
        create_mode(mortal, "/x/mortal", mortal->name, ZOO_EPHEMERAL);
        create_mode(mortal, "/x/lasting-", mortal->name, ZOO_PERSISTENT_SEQUENTIAL);
        get_watched(mortal, "/x", &mortal->standard);
        exists_watched(watching, "/x/mortal", &watching->standard);
        children_watched(watching, "/x", watcher_of(watching, "children"));
        if (is_frozen) {
            freeze(relay);
            create(mortal, "/x/unheard", NULL);
        } else {
            cut(relay);
        }
        until(mortal, ZOO_CONNECTING_STATE);
        await_events(watching, 2);
        settle(watching);
        children2(watching, "/x", NULL);
        cut(relay);
        mend(relay);
        until(mortal, ZOO_EXPIRED_SESSION_STATE);
        exists(mortal, "/x");
        create(mortal, "/x/late", NULL);
        say(mortal->name, "state now", "sb", state_name(zoo_state(mortal->handle)),
            is_unrecoverable(mortal->handle) != ZOK);
        struct client *anew = open_at("anew", relay_address(relay), 2000, NULL, true);
        create_mode(anew, "/x/mortal", "again", ZOO_EPHEMERAL);
        get(watching, "/x/mortal");
        close_session(anew);
    }
    children2(watching, "/x", NULL);
}

/* An id that never was, and a password that is not its session's, here of a session that nobody is connected to. */
static void wrong_keys(void)
{
    struct relay *wire = new_relay();
    struct client *away = open_at("away", relay_address(wire), timeout_ms, NULL, true);
    create_mode(away, "/away", NULL, ZOO_EPHEMERAL);
    clientid_t right = *zoo_client_id(away->handle);
    cut(wire);
    until(away, ZOO_CONNECTING_STATE);
    clientid_t keys[3] = {right, right, right};
    keys[0].passwd[15] ^= 1;
    keys[1].client_id += 1000000;
    memset(keys[2].passwd, 0, sizeof keys[2].passwd);
    for (int at = 0; at < 3; at++) {
        struct client *stranger = open_at("stranger", server, timeout_ms, &keys[at], false);
        until(stranger, ZOO_EXPIRED_SESSION_STATE);
        exists(stranger, "/");
        say(stranger->name, "state now", "s", state_name(zoo_state(stranger->handle)));
        close_session(stranger);
    }
    mend(wire);
    until(away, ZOO_CONNECTED_STATE);
    exists(away, "/away");
    close_session(away);
}

void play_session_move(void)
{
    struct client *watching = open_session("watching");
    struct relay *wire = new_relay();
    struct client *first = open_at("first", relay_address(wire), timeout_ms, NULL, true);
    clientid_t id = *zoo_client_id(first->handle);
    say_id(first);
    create_mode(first, "/mine", "first", ZOO_EPHEMERAL);
    get_watched(first, "/mine", &first->standard);
    exists_watched(watching, "/mine", &watching->standard);
    close_to_newcomers(wire);
    struct client *second = open_at("second", server, timeout_ms, &id, true);
    until(first, ZOO_CONNECTING_STATE);
    say_id(second);
    say(second->name, "same password", "b", memcmp(id.passwd, zoo_client_id(second->handle)->passwd, 16) == 0);
    look(second, "/mine");
    create_mode(second, "/mine-too", "second", ZOO_EPHEMERAL);
    settle(watching);
    set(second, "/mine", "second", -1);
    settle(watching);
    settle(second);
    wrong_keys();
    exists(second, "/mine-too");
    exists_watched(watching, "/mine", &watching->standard);
    close_session(second);
    settle(watching);
    mend(wire);
    until(first, ZOO_EXPIRED_SESSION_STATE);
    get(first, "/mine");
    struct client *late = open_at("late", server, timeout_ms, &id, false);
    until(late, ZOO_EXPIRED_SESSION_STATE);
    children2(watching, "/", NULL);
}

static void leave_watches(struct client *c)
{
    get_watched(c, "/r/set", watcher_of(c, "get"));
    exists_watched(c, "/r/deleted", watcher_of(c, "exists"));
    children_watched(c, "/r/parent", watcher_of(c, "children"));
    exists_watched(c, "/r/new", watcher_of(c, "exists, absent"));
    get_watched(c, "/r/untouched", watcher_of(c, "get"));
    children_watched(c, "/r/untouched", watcher_of(c, "children"));
    exists_watched(c, "/r/never", watcher_of(c, "exists, absent"));
}

static void change(struct client *c)
{
    set(c, "/r/set", "1", -1);
    delete(c, "/r/deleted", -1);
    create(c, "/r/parent/child", NULL);
    create(c, "/r/new", NULL);
    create(c, "/r/none", NULL);
}

static void change_back(struct client *c)
{
    delete(c, "/r/none", -1);
    delete(c, "/r/new", -1);
    create(c, "/r/deleted", "0");
    delete(c, "/r/parent/child", -1);
    delete(c, "/r/direct", -1);
    delete(c, "/r/away", -1);
}

void play_restart(void)
{
    static const char *const names[] = {"set", "deleted", "parent", "untouched"};
    struct client *direct = open_session("direct");
    struct relay *wire = new_relay();
    struct client *away = open_at("away", relay_address(wire), timeout_ms, NULL, true);
    create(direct, "/r", "0");
    for (int at = 0; at < 4; at++) create(direct, below("/r", "%s", names[at]), "0");
    for (int round = 0; round < 2; round++) {
        say_id(direct);
        say_id(away);
        create_mode(direct, "/r/direct", "d", ZOO_EPHEMERAL);
        create_mode(away, "/r/away", "a", ZOO_EPHEMERAL);
        get_watched(direct, "/r/set", &direct->standard);
        exists_watched(direct, "/r/none", watcher_of(direct, "own"));
        leave_watches(away);
        cut(wire);
        until(away, ZOO_CONNECTING_STATE);
        if (round == 0) {
            ask("restart");
        } else {
            ask("stop");
            until(direct, ZOO_CONNECTING_STATE);
            ask("start");
        }
        until(direct, ZOO_CONNECTED_STATE);
        look(direct, "/r");
        look(direct, "/r/direct");
        look(direct, "/r/away");
        change(direct);
        settle(direct);
        mend(wire);
        until(away, ZOO_CONNECTED_STATE);
        settle(away);
        look(away, "/r/away");
        say_id(direct);
        say_id(away);
        set(direct, "/r/untouched", "touched", -1);
        change_back(direct);
        settle(away);
    }
    children2(direct, "/r", NULL);
}

/* Writes without waiting, until the first one fails. */
struct stream {
    struct client *client;
    int round;
    struct tally tally;
};

static void *write_on(void *context)
{
    struct stream *stream = context;
    struct tally *tally = &stream->tally;
    char path[64];
    snprintf(path, sizeof path, "/log/%d-", stream->round);
    for (int sent = 0;; sent++) {
        pthread_mutex_lock(&tally->lock);
        while (!tally->has_failed && sent - tally->created > 100) pthread_cond_wait(&tally->change, &tally->lock);
        bool is_over = tally->has_failed;
        pthread_mutex_unlock(&tally->lock);
        if (is_over) return NULL;
        int code = zoo_acreate(stream->client->handle, path, "x", 1, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL,
                               on_created, tally);
        if (code == ZOK) code = zoo_aset(stream->client->handle, "/counter", "y", 1, -1, on_counted, tally);
        if (code != ZOK) return NULL;
    }
}

static void wait_for_acknowledged(struct tally *tally, int count)
{
    struct timespec until_then = deadline();
    pthread_mutex_lock(&tally->lock);
    while (tally->created < count)
        if (pthread_cond_timedwait(&tally->change, &tally->lock, &until_then) != 0) fail("too few writes");
    pthread_mutex_unlock(&tally->lock);
}

static void check(struct stream *stream)
{
    struct answer *names = ask_children(stream->client, "/log", NULL);
    struct answer *counter = ask_exists(stream->client, "/counter", NULL);
    int present = 0;
    for (int at = 0; at < names->names.count; at++)
        present += names->names.data[at][0] == '0' + stream->round && names->names.data[at][1] == '-';
    say("", "acknowledged creates are there", "b", present >= stream->tally.created);
    say("", "acknowledged sets are there", "b", counter->stat.version >= stream->tally.version);
    free_answer(names);
    free_answer(counter);
}

void play_crash(void)
{
    static struct stream streams[2];
    struct client *writer = open_session("writer");
    struct client *other = open_session("other");
    create(writer, "/log", NULL);
    create(writer, "/counter", "0");
    create_mode(other, "/other", "o", ZOO_EPHEMERAL);
    for (int round = 0; round < 2; round++) {
        struct stream *stream = &streams[round];
        pthread_t thread;
        stream->client = writer;
        stream->round = round;
        start_tally(&stream->tally);
        exists_watched(other, below("/log", "end%d", round), watcher_of(other, "end"));
        if (pthread_create(&thread, NULL, write_on, stream) != 0) fail("no thread");
        wait_for_acknowledged(&stream->tally, 400);
        ask("crash");
        pthread_join(thread, NULL);
        until(writer, ZOO_CONNECTED_STATE);
        until(other, ZOO_CONNECTED_STATE);
        check(stream);
        say_id(writer);
        say_id(other);
        struct answer *mine = ask_exists(other, "/other", NULL);
        say(other->name, "owner", "ib", mine->code,
            mine->stat.ephemeralOwner == zoo_client_id(other->handle)->client_id);
        free_answer(mine);
        zoo_create(writer->handle, below("/log", "end%d", round), NULL, -1, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
        settle(other);
    }
}
