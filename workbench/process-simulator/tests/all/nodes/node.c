// Broadcast, in C: one thread that waits with poll.
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX 10000
static char name[100], peers[30][100];
static int peer_count;
static char known[MAX], owed[30][MAX];

static const char *after(const char *line, const char *key) {
    const char *at = strstr(line, key);
    return at ? at + strlen(key) : NULL;
}

static void copy(char *to, const char *from) {
    int length = strcspn(from, "\"");
    memcpy(to, from, length);
    to[length] = 0;
}

static void learn(int value, const char *source) {
    if (value < 0 || value >= MAX || known[value]) return;
    known[value] = 1;
    for (int i = 0; i < peer_count; i++)
        if (strcmp(peers[i], source)) owed[i][value] = 1;
}

static void print_set(const char *set) {
    const char *comma = "";
    for (int i = 0; i < MAX; i++)
        if (set[i]) printf("%s%d", comma, i), comma = ",";
}

static void handle(const char *line) {
    char source[100];
    copy(source, after(line, "\"src\":\""));
    const char *type = after(line, "\"type\":\""), *id = after(line, "\"msg_id\":");
    const char *values = after(line, "\"values\":[");
    if (!strncmp(type, "seen", 4)) {
        for (int i = 0; i < peer_count; i++)
            for (const char *at = values; !strcmp(peers[i], source) && *at != ']'; at += strcspn(at, ",]"), at += *at == ',')
                owed[i][atoi(at)] = 0;
        return;
    }
    if (!strncmp(type, "init", 4)) copy(name, after(line, "\"node_id\":\""));
    printf("{\"src\":\"%s\",\"dest\":\"%s\",\"body\":{", name, source);
    if (!strncmp(type, "gossip", 6)) {
        for (const char *at = values; *at != ']'; at += strcspn(at, ",]"), at += *at == ',') learn(atoi(at), source);
        printf("\"type\":\"seen\",\"values\":[%.*s]}}\n", (int)strcspn(values, "]"), values);
        fflush(stdout);
        return;
    }
    printf("\"type\":\"%.*s_ok\",\"in_reply_to\":%d", (int)strcspn(type, "\""), type, atoi(id));
    if (!strncmp(type, "topology", 8)) {
        char key[110];
        snprintf(key, sizeof key, "\"%s\":[", name);
        for (const char *at = after(line, key); *at == '"' || *at == ',';) {
            if (*at == ',') at++;
            copy(peers[peer_count], at + 1);
            at += strlen(peers[peer_count++]) + 2;
        }
    }
    if (!strncmp(type, "broadcast", 9)) learn(atoi(after(line, "\"message\":")), source);
    if (!strncmp(type, "read", 4)) {
        printf(",\"messages\":[");
        print_set(known);
        printf("]");
    }
    printf("}}\n");
    fflush(stdout);
}

static long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(void) {
    static char buffer[1 << 20];
    long length = 0, next = now_ms() + 100;
    for (;;) {
        struct pollfd in = {.fd = 0, .events = POLLIN};
        long wait = next - now_ms();
        if (wait > 0 && poll(&in, 1, wait) > 0) {
            long got = read(0, buffer + length, sizeof buffer - 1 - length);
            if (got <= 0) return 0;
            length += got;
            for (char *end; (end = memchr(buffer, '\n', length));) {
                *end = 0;
                handle(buffer);
                length -= end + 1 - buffer;
                memmove(buffer, end + 1, length);
            }
        }
        if (now_ms() < next) continue;
        next = now_ms() + 100;
        for (int i = 0; i < peer_count; i++) {
            if (!memchr(owed[i], 1, MAX)) continue;
            printf("{\"src\":\"%s\",\"dest\":\"%s\",\"body\":{\"type\":\"gossip\",\"values\":[", name, peers[i]);
            print_set(owed[i]);
            printf("]}}\n");
            fflush(stdout);
        }
    }
}
