/*
 * The scenarios of README.md in the folder above, played by the C client, libzookeeper_mt.
 *
 * usage: scenarios HOST:PORT SCENARIO
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "scenarios.h"

const char *server;

static const struct {
    const char *name;
    void (*play)(void);
} scenarios[] = {
    {"crud", play_crud},
    {"create-modes", play_create_modes},
    {"multi", play_multi},
    {"acl", play_acl},
    {"watches", play_watches},
    {"watch-order", play_watch_order},
    {"session-end", play_session_end},
    {"session-expiry", play_session_expiry},
    {"session-move", play_session_move},
    {"restart", play_restart},
    {"crash", play_crash},
    {"chroot", play_chroot},
    {"ttl-and-containers", play_ttl_and_containers},
    {"quotas", play_quotas},
    {"large-data", play_large_data},
    {"unicode", play_unicode},
    {"many-children", play_many_children},
};

int main(int count, char **words)
{
    if (count != 3) fail("usage: scenarios HOST:PORT SCENARIO");
    server = words[1];
    signal(SIGPIPE, SIG_IGN);
    zoo_set_debug_level(0);
    for (size_t at = 0; at < sizeof scenarios / sizeof scenarios[0]; at++) {
        if (strcmp(scenarios[at].name, words[2]) != 0) continue;
        scenarios[at].play();
        say("", "the end", "");
        return 0;
    }
    fail("no scenario %s", words[2]);
}
