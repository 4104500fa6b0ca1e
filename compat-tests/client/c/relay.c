/*
 * A wire between a client and the server. Cut, it drops what is connected and refuses what comes, until it is mended;
 * closed to newcomers, it keeps what is connected and refuses what comes; frozen, it does so too and carries nothing
 * more. One thread carries for all of a relay's connections; commands wake it through a pipe.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "scenarios.h"

enum { pairs_max = 32 };

struct relay {
    int door;
    int wake[2];
    char address[32];
    pthread_mutex_t lock;
    bool lets_in;
    bool is_frozen;
    /* Two sockets for each connection: the client's, the server's. */
    int sockets[2 * pairs_max];
    int count;
};

static struct sockaddr_in address_of(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void join(struct relay *relay, int from_client)
{
    int at_once = 1;
    int to_server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = address_of(atoi(strrchr(server, ':') + 1));
    bool is_joined = relay->lets_in && relay->count < 2 * pairs_max &&
                     connect(to_server, (struct sockaddr *)&address, sizeof address) == 0;
    if (!is_joined) {
        close(from_client);
        close(to_server);
        return;
    }
    setsockopt(from_client, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    setsockopt(to_server, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    relay->sockets[relay->count++] = from_client;
    relay->sockets[relay->count++] = to_server;
}

/* Closes the connection that the socket at this index belongs to. */
static void part(struct relay *relay, int index)
{
    int first = index & ~1;
    close(relay->sockets[first]);
    close(relay->sockets[first + 1]);
    relay->count -= 2;
    relay->sockets[first] = relay->sockets[relay->count];
    relay->sockets[first + 1] = relay->sockets[relay->count + 1];
}

/* Carries what has come to one socket to its fellow. */
static bool carry(int from, int to)
{
    char some[65536];
    ssize_t count = read(from, some, sizeof some);
    if (count <= 0) return false;
    for (ssize_t done = 0; done < count;) {
        ssize_t sent = send(to, some + done, (size_t)(count - done), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        done += sent;
    }
    return true;
}

static void take_turn(struct relay *relay, const struct pollfd *ready, int socket_count)
{
    char byte;
    if (ready[0].revents != 0 && read(relay->wake[0], &byte, 1) != 1) fail("the relay's pipe broke");
    if (ready[1].revents != 0) {
        int from_client = accept(relay->door, NULL, NULL);
        if (from_client >= 0) join(relay, from_client);
    }
    if (relay->is_frozen) return;
    for (int index = socket_count - 1; index >= 0; index--) {
        bool is_current = index < relay->count && relay->sockets[index] == ready[index + 2].fd;
        if (!is_current || ready[index + 2].revents == 0) continue;
        if (!carry(relay->sockets[index], relay->sockets[index ^ 1])) part(relay, index);
    }
}

static void *run(void *context)
{
    struct relay *relay = context;
    for (;;) {
        struct pollfd ready[2 + 2 * pairs_max];
        pthread_mutex_lock(&relay->lock);
        int count = relay->is_frozen ? 0 : relay->count;
        ready[0] = (struct pollfd){.fd = relay->wake[0], .events = POLLIN};
        ready[1] = (struct pollfd){.fd = relay->door, .events = POLLIN};
        for (int at = 0; at < count; at++) ready[2 + at] = (struct pollfd){.fd = relay->sockets[at], .events = POLLIN};
        pthread_mutex_unlock(&relay->lock);
        if (poll(ready, (nfds_t)(2 + count), -1) < 0) continue;
        pthread_mutex_lock(&relay->lock);
        take_turn(relay, ready, count);
        pthread_mutex_unlock(&relay->lock);
    }
    return NULL;
}

struct relay *new_relay(void)
{
    struct relay *relay = calloc(1, sizeof *relay);
    struct sockaddr_in address = address_of(0);
    socklen_t length = sizeof address;
    pthread_t thread;
    relay->lets_in = true;
    relay->door = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(relay->door, (struct sockaddr *)&address, sizeof address) != 0 || listen(relay->door, 16) != 0 ||
        getsockname(relay->door, (struct sockaddr *)&address, &length) != 0 || pipe(relay->wake) != 0)
        fail("no relay");
    snprintf(relay->address, sizeof relay->address, "127.0.0.1:%d", ntohs(address.sin_port));
    pthread_mutex_init(&relay->lock, NULL);
    if (pthread_create(&thread, NULL, run, relay) != 0) fail("no thread");
    return relay;
}

const char *relay_address(const struct relay *relay)
{
    return relay->address;
}

static void command(struct relay *relay, bool lets_in, bool is_frozen, bool drops)
{
    pthread_mutex_lock(&relay->lock);
    relay->lets_in = lets_in;
    relay->is_frozen = is_frozen;
    while (drops && relay->count > 0) part(relay, 0);
    pthread_mutex_unlock(&relay->lock);
    if (write(relay->wake[1], "", 1) != 1) fail("the relay's pipe broke");
}

void cut(struct relay *relay)
{
    command(relay, false, false, true);
}

void freeze(struct relay *relay)
{
    command(relay, false, true, false);
}

void close_to_newcomers(struct relay *relay)
{
    command(relay, false, false, false);
}

void mend(struct relay *relay)
{
    command(relay, true, false, false);
}
