// Pipes and pairs of sockets between threads: reads and writes wait, also those of many bytes.
#include "saw.h"

static int ends[2];

static void *read_all(void *unused) {
    (void)unused;
    static char buffer[10000];
    long all = 0, length;
    sleep_ms(50);
    while ((length = read(ends[0], buffer, sizeof buffer)) > 0) all += length;
    saw("the reader has %ld bytes", all);
    return NULL;
}

static void check(const char *name, int writer) {
    pthread_t reader;
    pthread_create(&reader, NULL, read_all, NULL);
    static char many[300000];
    long written = write(writer, many, sizeof many);
    saw("%s: one write of %ld bytes at %ld ms", name, written, ms());
    close(writer);
    pthread_join(reader, NULL);
    close(ends[0]);
}

int main(void) {
    ms();
    if (pipe(ends)) return 1;
    check("a pipe", ends[1]);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return 1;
    check("a pair of sockets", ends[1]);
    if (pipe(ends)) return 1;
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    saw("a pipe without a reader: %s", result(write(ends[1], "x", 1)));

    // Datagrams: a receive waits until one is there.
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends)) return 1;
    if (!fork()) {
        sleep_ms(30);
        send(ends[1], "hello", 5, 0);
        _exit(0);
    }
    char text[10] = "";
    saw("recv without waiting: %s", result(recv(ends[0], text, sizeof text, MSG_DONTWAIT)));
    recv(ends[0], text, sizeof text, 0);
    saw("recv: %s at %ld ms", text, ms());
    wait(NULL);
}
