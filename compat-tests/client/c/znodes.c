/* Znodes by themselves: what can be done with one, the ways to create one, and the names it can have. */

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "scenarios.h"

#define COUNT(list) ((int)(sizeof(list) / sizeof((list)[0])))

static void one_znode(struct client *c, const char *root)
{
    const char *path = below(root, "one");
    exists(c, path);
    get(c, path);
    set(c, path, "x", -1);
    children(c, path);
    children2(c, path, NULL);
    get_acl(c, path);
    set_acl(c, path, &ZOO_OPEN_ACL_UNSAFE, -1);
    delete(c, path, -1);
    sync_path(c, path);
    create(c, path, "first");
    create(c, path, "again");
    exists(c, path);
    look(c, path);
    exists(c, root);
    delete(c, path, -1);
    exists(c, path);
    exists(c, root);
    create2(c, path, "second", ZOO_PERSISTENT, -1, NULL);
    create2(c, path, "third", ZOO_PERSISTENT, -1, NULL);
    exists(c, path);
    sync_path(c, path);
}

static void versions(struct client *c, const char *root)
{
    static const int set_versions[] = {0, 0, 1, 7, -1, -2, INT_MIN, INT_MAX, 3};
    static const int acl_versions[] = {0, 1, -1, 5, -2};
    static const int delete_versions[] = {0, 99, -2, 4};
    const char *path = below(root, "versions");
    create(c, path, "0");
    for (int at = 0; at < COUNT(set_versions); at++) {
        set(c, path, "new", set_versions[at]);
        exists(c, path);
    }
    for (int at = 0; at < COUNT(acl_versions); at++) {
        set_acl(c, path, &ZOO_OPEN_ACL_UNSAFE, acl_versions[at]);
        get_acl(c, path);
    }
    for (int at = 0; at < COUNT(delete_versions); at++) {
        delete(c, path, delete_versions[at]);
        exists(c, path);
    }
}

static void empty_and_null(struct client *c, const char *root)
{
    static const char *contents[] = {NULL, "", "text", NULL, "", "x"};
    const char *path = below(root, "content");
    for (int at = 0; at < COUNT(contents); at++) {
        create(c, below(root, "content-%d", at), contents[at]);
        get(c, below(root, "content-%d", at));
    }
    create(c, path, "old");
    for (int at = 0; at < COUNT(contents); at++) {
        set(c, path, contents[at], -1);
        get(c, path);
    }
    struct bytes raw = {"\xff\x00\x80\n\r\"", 6};
    set_bytes(c, path, raw, -1);
    get(c, path);
}

static void parents(struct client *c, const char *root)
{
    static const char *names[] = {"b", "a", "c"};
    const char *parent = below(root, "parent");
    const char *mortal = below(root, "mortal");
    create(c, below(root, "none/child"), "x");
    create(c, parent, "p");
    for (int at = 0; at < COUNT(names); at++) {
        create(c, below(parent, "%s", names[at]), names[at]);
        exists(c, parent);
    }
    create(c, below(parent, "a/deep"), "d");
    look(c, parent);
    delete(c, parent, -1);
    delete(c, parent, 1);
    delete(c, below(parent, "a"), -1);
    set(c, below(parent, "b"), "changed", -1);
    exists(c, parent);
    delete(c, below(parent, "a/deep"), 0);
    for (int at = 0; at < COUNT(names); at++) {
        delete(c, below(parent, "%s", names[at]), -1);
        children2(c, parent, NULL);
    }
    delete(c, parent, 0);
    create_mode(c, mortal, "m", ZOO_EPHEMERAL);
    create(c, below(mortal, "child"), "x");
    create_mode(c, below(mortal, "child"), "x", ZOO_EPHEMERAL_SEQUENTIAL);
    children(c, mortal);
    set(c, mortal, "changed", 0);
    look(c, mortal);
    delete(c, mortal, 1);
}

static void bad_paths(struct client *c, const char *root)
{
    static const char *tails[] = {"",    "/",    "a/",   "/a",  "a//b", ".",
                                  "..",  "./a",  "../a", "a/.", "...",  "a.b"};
    static const char *paths[] = {"", "a", "a/b", NULL};
    for (int at = 0; at < COUNT(tails); at++) {
        const char *path = below(root, "%s", tails[at]);
        create(c, path, "x");
        exists(c, path);
        get(c, path);
        set(c, path, "y", -1);
        children(c, path);
        get_acl(c, path);
        delete(c, path, -1);
    }
    for (int at = 0; at < COUNT(paths); at++) {
        create(c, paths[at], "x");
        get(c, paths[at]);
        delete(c, paths[at], -1);
    }
}

/* The root and what every server has below it. */
static void root_and_system(struct client *c)
{
    create(c, "/", "x");
    look(c, "/");
    set(c, "/", "the root", -1);
    set(c, "/", "the root", 5);
    get(c, "/");
    delete(c, "/", -1);
    look(c, "/zookeeper");
    look(c, "/zookeeper/quota");
    look(c, "/zookeeper/config");
    get_config(c, NULL);
    get_config(c, &c->standard);
    reconfig(c, "server.2=127.0.0.1:1:2;3", NULL, NULL, -1);
    reconfig(c, NULL, "1", NULL, -1);
    reconfig(c, NULL, NULL, "server.1=127.0.0.1:1:2;3", 5);
    reconfig(c, NULL, NULL, NULL, -1);
    create(c, "/zookeeper", "x");
    create(c, "/zookeeper/mine", "x");
    look(c, "/zookeeper/mine");
    set(c, "/zookeeper/config", "x", -1);
    delete(c, "/zookeeper/config", -1);
    delete(c, "/zookeeper/quota", -1);
    delete(c, "/zookeeper/mine", -1);
    delete(c, "/zookeeper", -1);
    children2(c, "/zookeeper", NULL);
    sync_path(c, "/");
}

void play_crud(void)
{
    struct client *c = open_session("a");
    for (int turn = 0; turn < 2; turn++) {
        const char *root = turn == 0 ? "/waits" : "/called-back";
        c->by_callback = turn == 1;
        create(c, root, "root");
        one_znode(c, root);
        versions(c, root);
        empty_and_null(c, root);
        parents(c, root);
        bad_paths(c, root);
        look(c, root);
        root_and_system(c);
    }
}

/* The counter of a parent is its count of changes among children. */
static void counters(struct client *c)
{
    char made[path_bytes_max];
    create(c, "/counters", NULL);
    for (int round = 0; round < 3; round++) {
        create2(c, "/counters/n-", NULL, ZOO_PERSISTENT_SEQUENTIAL, -1, made);
        create_mode(c, "/counters/m-", NULL, ZOO_EPHEMERAL_SEQUENTIAL);
        create_mode(c, "/counters/", NULL, ZOO_PERSISTENT_SEQUENTIAL);
        create(c, below("/counters", "plain-%d", round), NULL);
        delete(c, made, -1);
        delete(c, below("/counters", "plain-%d", round), -1);
        children2(c, "/counters", NULL);
    }
    create_mode(c, "/", NULL, ZOO_PERSISTENT_SEQUENTIAL);
    create_mode(c, "/top-", NULL, ZOO_EPHEMERAL_SEQUENTIAL);
    create(c, "/top-0000000000", NULL);
    children2(c, "/", NULL);
}

void play_create_modes(void)
{
    const int modes[] = {ZOO_PERSISTENT, ZOO_EPHEMERAL,           ZOO_PERSISTENT_SEQUENTIAL, ZOO_EPHEMERAL_SEQUENTIAL,
                         ZOO_CONTAINER,  ZOO_PERSISTENT_WITH_TTL, ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, 7, -1};
    struct client *sessions[] = {open_session("a"), open_session("b"), open_session("c")};
    sessions[1]->by_callback = true;
    for (int session = 0; session < 3; session++) {
        struct client *c = sessions[session];
        const char *root = below("", "modes-%d", session);
        create(c, root, NULL);
        for (int at = 0; at < COUNT(modes); at++) {
            char made[path_bytes_max];
            bool has_ttl = modes[at] == ZOO_PERSISTENT_WITH_TTL || modes[at] == ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL;
            create2(c, below(root, "%d-", modes[at]), "data", modes[at], has_ttl ? 100000 : -1, made);
            look(c, made);
            for (int other = 0; other < COUNT(modes); other++)
                create_mode(c, below(made, "child-"), NULL, modes[other]);
            children2(c, made, NULL);
            create_mode(c, below(root, "%d-", modes[at]), "again", modes[at]);
            create_mode(c, below(root, "none/%d-", modes[at]), "no parent", modes[at]);
            create2(c, below(root, "ttl-%d", modes[at]), "a TTL", modes[at], 100000, NULL);
        }
        children2(c, root, NULL);
    }
    counters(sessions[0]);
    close_session(sessions[0]);
    children2(sessions[2], "/modes-0", NULL);
    children2(sessions[2], "/modes-1", NULL);
    children2(sessions[2], "/", NULL);
}

void play_unicode(void)
{
    static const char *names[] = {
        "grüße", "здравствуй", "你好", "مرحبا", "שלום", "नमस्ते", "e\xcc\x81", "é", "한", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab",
        "a b", "tab\tand", "\x1f", "\x7f", "\xc2\x9f", "\xc2\xa0", "\xe2\x80\x8b", "\xe2\x80\xa8", "\xed\x9f\xbf",
        "😀", "\xed\xa0\xbd\xed\xb8\x80", "\xed\xa0\x80", "\xee\x80\x80", "\xef\xa3\xbf", "\xef\xa4\x80",
        "\xef\xbf\xaf", "\xef\xbf\xb0", "\xef\xbf\xbd", "\xef\xbf\xbf", "\xff", "\x80", "a\xc3", "\xc0\xaf",
        "\xf4\x90\x80\x80", "%2F", "\\", "\"quoted\"", "*", "?", "{}", "..x"};
    struct client *c = open_session("a");
    struct client *other = open_session("b");
    for (int turn = 0; turn < 2; turn++) {
        const char *root = turn == 0 ? "/letters" : "/signs";
        c->by_callback = turn == 1;
        create(c, root, names[0]);
        for (int at = 0; at < COUNT(names); at++) {
            const char *path = strdup(below(root, "%s", names[at]));
            create(c, path, names[at]);
            look(c, path);
            set(c, path, names[at], -1);
            create_mode(c, below(path, "%s-", names[at]), NULL, ZOO_PERSISTENT_SEQUENTIAL);
            children(c, path);
            exists_watched(other, path, &other->standard);
            set(c, path, "seen", -1);
            settle(other);
        }
        children2(c, root, NULL);
    }
    create(c, "/identities", NULL);
    for (int at = 0; at < 20; at += 19) {
        struct client *user = open_session("user");
        char cert[64];
        snprintf(cert, sizeof cert, "%s:pass", names[at]);
        add_auth(user, "digest", cert);
        create_with(user, below("/identities", "%d", at), none, &ZOO_CREATOR_ALL_ACL, ZOO_PERSISTENT);
        set(user, below("/identities", "%d", at), "owned", -1);
        get_acl(user, below("/identities", "%d", at));
        get_acl(c, below("/identities", "%d", at));
    }
}

static void wait_until_gone(struct client *c, const char *path)
{
    for (int tries = 0; tries < patience_s * 100; tries++) {
        struct answer *a = ask_exists(c, path, NULL);
        bool is_gone = a->code == ZNONODE;
        free_answer(a);
        if (is_gone) {
            say(c->name, "gone", "s", path);
            return;
        }
        usleep(10000);
    }
    fail("%s never went", path);
}

void play_ttl_and_containers(void)
{
    static const int64_t times[] = {0, -1, -2, 0xffffffffffLL, 0x10000000000LL, INT64_MAX, INT64_MIN};
    struct client *c = open_session("a");
    struct client *watching = open_session("b");
    create(c, "/t", NULL);
    for (int turn = 0; turn < 2; turn++) {
        c->by_callback = turn == 1;
        for (int at = 0; at < COUNT(times); at++) {
            const int modes[] = {ZOO_PERSISTENT_WITH_TTL, ZOO_PERSISTENT, ZOO_EPHEMERAL, ZOO_CONTAINER};
            for (int mode = 0; mode < COUNT(modes); mode++) {
                const char *path = below("/t", "%d-%d", at, modes[mode]);
                create2(c, path, "x", modes[mode], times[at], NULL);
                exists(c, path);
                delete(c, path, 0);
            }
        }
    }
    create2(c, "/t/unused", NULL, ZOO_CONTAINER, -1, NULL);
    create2(c, "/t/used", NULL, ZOO_CONTAINER, -1, NULL);
    create2(c, "/t/full", NULL, ZOO_CONTAINER, -1, NULL);
    create(c, "/t/full/child", NULL);
    create(c, "/t/used/one", NULL);
    create2(c, "/t/used/nested", NULL, ZOO_CONTAINER, -1, NULL);
    create_mode(c, "/t/used/nested/child", NULL, ZOO_EPHEMERAL);
    delete(c, "/t/used/one", -1);
    exists_watched(watching, "/t/used/nested", watcher_of(watching, "nested"));
    exists_watched(watching, "/t/used", &watching->standard);
    delete(c, "/t/used/nested/child", -1);
    await_events(watching, 2);
    exists(c, "/t/used");
    exists(c, "/t/unused");
    exists(c, "/t/full");
    create2(c, "/t/long", "l", ZOO_PERSISTENT_WITH_TTL, 100000, NULL);
    create2(c, "/t/short", "s", ZOO_PERSISTENT_WITH_TTL, 300, NULL);
    char made[path_bytes_max];
    create2(c, "/t/short-", "s", ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, 300, made);
    create2(c, "/t/parent", "p", ZOO_PERSISTENT_WITH_TTL, 300, NULL);
    create(c, "/t/parent/child", NULL);
    wait_until_gone(watching, "/t/short");
    wait_until_gone(watching, made);
    exists(c, "/t/parent");
    look(c, "/t/long");
    delete(c, "/t/parent/child", -1);
    wait_until_gone(watching, "/t/parent");
    settle(watching);
    children(c, "/t");
}
