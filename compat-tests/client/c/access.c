/* Who may do what: every set of permissions against every call, every scheme, lists that are refused. */

#include <stdio.h>
#include <string.h>
#include "scenarios.h"

/* What the digest scheme makes of `alice:secret`, `bob:word` and `alice:other`. */
static const char alice_id[] = "alice:aYXlLOpEooaV1cRAvUL1fp9Qt7E=";
static const char bob_id[] = "bob:HJOLKaCJkAQC5uYhylpA+72TQjU=";
static const char other_id[] = "alice:o9BfHCrswQBh4cs9mXIt27AQQrY=";

static struct ACL_vector list_of_two(int perms, const char *scheme, const char *id, int more, const char *scheme_too,
                                     const char *id_too)
{
    struct ACL_vector list;
    allocate_ACL_vector(&list, 2);
    list.data[0] = (struct ACL){perms, {strdup(scheme), strdup(id)}};
    list.data[1] = (struct ACL){more, {strdup(scheme_too), strdup(id_too)}};
    return list;
}

/* Lists as they are given, and as the server keeps them. */
static void lists(struct client *c, const char *suffix)
{
    static const struct {
        const char *name;
        int perms;
        const char *scheme, *id;
    } entries[] = {
        {"open", 31, "world", "anyone"}, {"read", 1, "world", "anyone"}, {"creator", 31, "auth", ""},
        {"no-perms", 0, "world", "anyone"}, {"odd-perms", 32, "world", "anyone"}, {"all-bits", -1, "world", "anyone"},
        {"someone", 31, "world", "someone"}, {"nonsense", 31, "nonsense", "x"}, {"empty-scheme", 31, "", "x"},
        {"digest-plain", 31, "digest", "alice"}, {"digest-three", 31, "digest", "a:b:c"},
        {"digest-empty", 31, "digest", ""}, {"digest", 31, "digest", alice_id}, {"ip", 31, "ip", "127.0.0.1"},
        {"ip-net", 31, "ip", "127.0.0.0/8"}, {"ip-bits", 31, "ip", "127.0.0.1/33"}, {"ip-name", 31, "ip", "localhost"},
        {"ip-six", 31, "ip", "::1"}, {"ip-part", 31, "ip", "127.0.0"}, {"ip-none", 31, "ip", ""},
        {"super", 31, "super", "test"}, {"x509", 31, "x509", "CN=x"}, {"sasl", 31, "sasl", "x"},
    };
    static const struct ACL_vector empty = {0, NULL};
    for (size_t at = 0; at < sizeof entries / sizeof entries[0]; at++) {
        struct ACL_vector list = acl_of(entries[at].perms, entries[at].scheme, entries[at].id);
        const char *path = below("/lists", "%s%s", entries[at].name, suffix);
        create_with(c, path, text("x"), &list, ZOO_PERSISTENT);
        get_acl(c, path);
        create(c, below(path, "set"), "x");
        set_acl(c, below(path, "set"), &list, 0);
        get_acl(c, below(path, "set"));
    }
    struct ACL_vector twice = list_of_two(1, "world", "anyone", 1, "world", "anyone");
    create_with(c, below("/lists", "twice%s", suffix), none, &twice, ZOO_PERSISTENT);
    get_acl(c, below("/lists", "twice%s", suffix));
    create_with(c, below("/lists", "empty%s", suffix), none, &empty, ZOO_PERSISTENT);
    create_with(c, below("/lists", "none%s", suffix), none, NULL, ZOO_PERSISTENT);
    set_acl(c, "/lists", &empty, -1);
    children2(c, "/lists", NULL);
}

/* Each of the 32 sets of permissions, given to an identity, and every call that `c` can make with it. */
static void permissions(struct client *owner, struct client *c, const char *root, const char *scheme, const char *id)
{
    create(owner, root, NULL);
    for (int perms = 0; perms < 32; perms++) {
        struct ACL_vector list = list_of_two(31, "auth", "", perms, scheme, id);
        const char *path = below(root, "%d", perms);
        create(owner, path, "x");
        create(owner, below(path, "kid"), NULL);
        set_acl(owner, path, &list, -1);
        exists(c, path);
        get(c, path);
        children(c, path);
        children2(c, path, NULL);
        get_acl(c, path);
        set(c, path, "y", -1);
        create(c, below(path, "new"), "n");
        create_mode(c, below(path, "new-"), "n", ZOO_EPHEMERAL_SEQUENTIAL);
        delete(c, below(path, "kid"), -1);
        set_acl(c, path, &list, -1);
        look(owner, path);
    }
}

static void schemes(struct client *sessions[3])
{
    const struct ACL_vector lists[] = {
        acl_of(31, "ip", "127.0.0.1"), acl_of(31, "ip", "127.0.0.0/8"), acl_of(31, "ip", "10.1.2.3"),
        acl_of(31, "ip", "1.2.3.4/0"), acl_of(31, "digest", alice_id),  acl_of(31, "auth", ""),
        acl_of(31, "digest", other_id),
    };
    create(sessions[0], "/schemes", NULL);
    for (int at = 0; at < 7; at++) {
        const char *path = below("/schemes", "%d", at);
        create_with(sessions[0], path, text("x"), &lists[at], ZOO_PERSISTENT);
        for (int turn = 0; turn < 3; turn++) {
            struct client *c = sessions[turn];
            get(c, path);
            get_acl(c, path);
            set(c, path, c->name, -1);
            create(c, below(path, "%s", c->name), NULL);
            children(c, path);
            delete(c, below(path, "%s", c->name), -1);
        }
    }
    delete(sessions[2], "/schemes/2", -1);
    delete(sessions[2], "/schemes/4", -1);
    children(sessions[2], "/schemes");
}

static void versions(struct client *alice, struct client *bob)
{
    static const int wanted[] = {0, 0, 1, 9, -1, -2, 3, 2};
    create(alice, "/versions", "x");
    for (size_t at = 0; at < sizeof wanted / sizeof wanted[0]; at++) {
        set_acl(alice, "/versions", &ZOO_CREATOR_ALL_ACL, wanted[at]);
        get_acl(alice, "/versions");
    }
    set_acl(bob, "/versions", &ZOO_OPEN_ACL_UNSAFE, -1);
    set_acl(bob, "/versions", &ZOO_OPEN_ACL_UNSAFE, 77);
    set_acl(bob, "/none", &ZOO_OPEN_ACL_UNSAFE, -1);
    get_acl(bob, "/none");
    set(bob, "/versions", "x", 77);
    set(alice, "/versions", "x", 77);
    get_watched(bob, "/versions", &bob->standard);
    exists_watched(bob, "/versions", watcher_of(bob, "exists"));
    set(alice, "/versions", "x", 0);
    settle(bob);
    delete(bob, "/versions", 77);
    look(alice, "/versions");
}

/* A session can have several identities; a second one of the same scheme does not replace the first. */
static void more_identities(struct client *alice, struct client *bob)
{
    add_auth(bob, "digest", "alice:wrong");
    get(bob, "/versions");
    add_auth(bob, "digest", "alice:secret");
    get(bob, "/versions");
    add_auth(bob, "digest", "alice:secret");
    add_auth(bob, "ip", "1.2.3.4");
    exists(bob, "/versions");
    create_with(bob, "/everybody", none, &ZOO_CREATOR_ALL_ACL, ZOO_PERSISTENT);
    struct answer *a = ask_get_acl(bob, "/everybody");
    say(bob->name, "identities", "i", a->acl.count);
    free_answer(a);
    get(alice, "/everybody");
    set(alice, "/everybody", "by alice", -1);
}

static void super_user(void)
{
    struct client *root = open_session("super");
    struct ACL_vector closed = acl_of(ZOO_PERM_READ, "world", "anyone");
    get(root, "/versions");
    add_auth(root, "digest", "super:wrong");
    get(root, "/versions");
    add_auth(root, "digest", "super:test");
    look(root, "/versions");
    set(root, "/versions", "by the super user", -1);
    create(root, "/versions/child", NULL);
    set_acl(root, "/versions", &closed, -1);
    look(root, "/zookeeper/config");
    set(root, "/zookeeper/config", "by the super user", -1);
    get_config(root, NULL);
    delete(root, "/versions/child", -1);
    delete(root, "/versions", -1);
    children2(root, "/", NULL);
}

/* What is no identity ends the session's usefulness; a digest without a password is one. */
static void bad_identities(void)
{
    static const char *const certs[][2] = {
        {"digest", "no colon"}, {"digest", ""}, {"nonsense", "x"}, {"world", "anyone"}, {"", "x"}};
    for (int at = 0; at < 5; at++) {
        char name[16];
        snprintf(name, sizeof name, "bad-%d", at);
        struct client *c = open_session(strdup(name));
        add_auth(c, certs[at][0], certs[at][1]);
        if (at < 2) {
            create_with(c, below("", "by-%s", name), none, &ZOO_CREATOR_ALL_ACL, ZOO_EPHEMERAL);
            get_acl(c, below("", "by-%s", name));
            continue;
        }
        until(c, ZOO_AUTH_FAILED_STATE);
        exists(c, "/");
        say(c->name, "state now", "sb", state_name(zoo_state(c->handle)), is_unrecoverable(c->handle) != ZOK);
    }
}

void play_acl(void)
{
    struct client *sessions[] = {open_session("alice"), open_session("bob"), open_session("nobody")};
    struct client *alice = sessions[0], *bob = sessions[1], *nobody = sessions[2];
    add_auth(alice, "digest", "alice:secret");
    add_auth(bob, "digest", "bob:word");
    nobody->by_callback = true;
    create(alice, "/lists", NULL);
    lists(alice, "");
    lists(nobody, "-2");
    permissions(alice, bob, "/bob", "digest", bob_id);
    permissions(alice, nobody, "/anyone", "world", "anyone");
    schemes(sessions);
    versions(alice, bob);
    more_identities(alice, bob);
    super_user();
    bad_identities();
}
