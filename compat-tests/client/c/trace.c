/*
 * What a scenario sees, one JSON value a line on stdout. README.md in the folder above says how values look; an error is
 * shown by the library's text for it and by its code, and data of more than 200 bytes by its length and checksum.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "scenarios.h"

enum { longest_shown = 200 };

const struct bytes none = {NULL, -1};

struct bytes text(const char *content)
{
    struct bytes data = {content, content == NULL ? -1 : (int)strlen(content)};
    return data;
}

void fail(const char *format, ...)
{
    va_list words;
    va_start(words, format);
    vfprintf(stderr, format, words);
    va_end(words);
    fputc('\n', stderr);
    exit(1);
}

/* Bytes that are no printable ASCII become escapes, one for each byte. */
static void put_quoted(const char *start, int length)
{
    putchar('"');
    for (int at = 0; at < length; at++) {
        unsigned char one = (unsigned char)start[at];
        if (one == '"' || one == '\\') printf("\\%c", one);
        else if (one < ' ' || one > '~') printf("\\u%04x", one);
        else putchar(one);
    }
    putchar('"');
}

static void put_text(const char *content)
{
    if (content == NULL) fputs("null", stdout);
    else put_quoted(content, (int)strlen(content));
}

uint32_t checksum(const char *start, size_t length)
{
    uint32_t sum = 2166136261u;
    for (size_t at = 0; at < length; at++) sum = (sum ^ (unsigned char)start[at]) * 16777619u;
    return sum;
}

static void put_data(struct bytes data)
{
    if (data.length < 0) fputs("null", stdout);
    else if (data.length <= longest_shown) put_quoted(data.start, data.length);
    else printf("{\"bytes\":%d,\"checksum\":%u}", data.length, checksum(data.start, (size_t)data.length));
}

static void put_stat(const struct Stat *stat)
{
    printf("{\"czxid\":%lld,\"mzxid\":%lld,\"ctime\":%lld,\"mtime\":%lld,", (long long)stat->czxid,
           (long long)stat->mzxid, (long long)stat->ctime, (long long)stat->mtime);
    printf("\"version\":%d,\"cversion\":%d,\"aversion\":%d,\"ephemeralOwner\":\"0x%llx\",", stat->version,
           stat->cversion, stat->aversion, (unsigned long long)stat->ephemeralOwner);
    printf("\"dataLength\":%d,\"numChildren\":%d,\"pzxid\":%lld}", stat->dataLength, stat->numChildren,
           (long long)stat->pzxid);
}

static void put_acl(const struct ACL_vector *acl)
{
    putchar('[');
    for (int at = 0; at < acl->count; at++) {
        printf("%s{\"perms\":%d,\"scheme\":", at == 0 ? "" : ",", acl->data[at].perms);
        put_text(acl->data[at].id.scheme);
        fputs(",\"id\":", stdout);
        put_text(acl->data[at].id.id);
        putchar('}');
    }
    putchar(']');
}

static int by_text(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static void put_names(const struct String_vector *names)
{
    if (names->count > 0) qsort(names->data, (size_t)names->count, sizeof names->data[0], by_text);
    putchar('[');
    for (int at = 0; at < names->count; at++) {
        if (at > 0) putchar(',');
        put_text(names->data[at]);
    }
    putchar(']');
}

static void put_value(char letter, va_list *values)
{
    switch (letter) {
    case 's': put_text(va_arg(*values, const char *)); break;
    case 'i': printf("%d", va_arg(*values, int)); break;
    case 'l': printf("%lld", (long long)va_arg(*values, int64_t)); break;
    case 'x': printf("\"0x%llx\"", (unsigned long long)va_arg(*values, int64_t)); break;
    case 'b': fputs(va_arg(*values, int) ? "true" : "false", stdout); break;
    case 'd': put_data(va_arg(*values, struct bytes)); break;
    case 'S': put_stat(va_arg(*values, const struct Stat *)); break;
    case 'A': put_acl(va_arg(*values, const struct ACL_vector *)); break;
    case 'N': put_names(va_arg(*values, const struct String_vector *)); break;
    default: fail("no such format: %c", letter);
    }
}

static void put_values(const char *format, va_list *values)
{
    for (const char *letter = format; *letter != '\0'; letter++) {
        putchar(',');
        put_value(*letter, values);
    }
}

static void put_head(const char *who, const char *what)
{
    fputs("[\"", stdout);
    printf("%s%s%s\"", who, *who == '\0' ? "" : ".", what);
}

static void end_line(void)
{
    fputs("]\n", stdout);
    fflush(stdout);
}

void say(const char *who, const char *what, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    put_head(who, what);
    put_values(format, &values);
    va_end(values);
    end_line();
}

void say_open(const char *who, const char *what, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    put_head(who, what);
    put_values(format, &values);
    va_end(values);
}

void say_outcome(int code, const char *format, ...)
{
    if (code != ZOK) {
        printf(",{\"error\":\"%s\",\"code\":%d}", zerror(code), code);
    } else {
        va_list values;
        va_start(values, format);
        put_values(format, &values);
        va_end(values);
    }
    end_line();
}

void say_session(const char *who, int64_t session_id)
{
    printf("{\"session\":\"%s\",\"sessionId\":\"0x%llx\"}\n", who, (unsigned long long)session_id);
    fflush(stdout);
}

void say_event(const char *who, const char *watcher, int type, const char *path)
{
    const char *name = type == ZOO_CREATED_EVENT ? "created"
                     : type == ZOO_DELETED_EVENT ? "deleted"
                     : type == ZOO_CHANGED_EVENT ? "changed"
                     : type == ZOO_CHILD_EVENT ? "child"
                     : type == ZOO_NOTWATCHING_EVENT ? "not watching"
                                                     : "unknown";
    printf("{\"event\":\"%s\",\"path\":", name);
    put_text(path);
    printf(",\"session\":\"%s\",\"watcher\":\"%s\"}\n", who, watcher);
    fflush(stdout);
}

const char *state_name(int state)
{
    return state == ZOO_EXPIRED_SESSION_STATE ? "expired session"
         : state == ZOO_AUTH_FAILED_STATE ? "auth failed"
         : state == ZOO_CONNECTING_STATE ? "connecting"
         : state == ZOO_ASSOCIATING_STATE ? "associating"
         : state == ZOO_CONNECTED_STATE ? "connected"
         : state == ZOO_READONLY_STATE ? "read only"
         : state == ZOO_NOTCONNECTED_STATE ? "not connected"
                                           : "unknown";
}

/* Asks for something to be done to the server, and waits until it is done. */
void ask(const char *wish)
{
    char line[64];
    printf("{\"ask\":\"%s\"}\n", wish);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) fail("nobody answers to %s", wish);
}
