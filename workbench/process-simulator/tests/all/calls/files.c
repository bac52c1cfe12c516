// Files that are no pipes: named pipes, messages, a closed timer, and bad pointers in another thread.
#include "saw.h"
#include <sys/stat.h>

static void *poll_unmapped(void *files) {
    saw("poll: %s", result(poll(files, 2, -1)));
    return NULL;
}

int main(void) {
    ms();
    char name[] = "/tmp/files-XXXXXX";
    if (!mkdtemp(name) || chdir(name)) return 1;
    mkfifo("fifo", 0600);
    int fifo = open("fifo", O_RDWR);
    if (!fork()) {
        sleep_ms(100);
        _exit(write(fifo, "x", 1) != 1);
    }
    char bytes[20000] = {0};
    saw("a named pipe: %zd", read(fifo, bytes, 1));
    saw("at %ld ms", ms());
    unlink("fifo");
    rmdir(name);
    wait(NULL);

    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair)) return 1;
    saw("a message: %zd", write(pair[0], bytes, 10000));
    saw("the same: %zd", read(pair[1], bytes, sizeof bytes));

    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec soon = {.it_value = after_ms(10), .it_interval = after_ms(10)};
    timerfd_settime(timer, 0, &soon, NULL);
    close(timer);
    sleep_ms(50);
    int next = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    uint64_t times;
    saw("the same number: %d", next == timer);
    saw("a timer that was not set: %s", result(read(next, &times, 8)));

    struct pollfd *files = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    files[0] = files[1] = (struct pollfd){.fd = pair[0], .events = POLLIN};
    pthread_t thread;
    pthread_create(&thread, NULL, poll_unmapped, files);
    sleep_ms(10);
    munmap(files, 4096);
    saw("another thread's file: %zd", write(pair[1], "x", 1));
    pthread_join(thread, NULL);

    struct timespec date = {0, 0};
    saw("the date: %s", result(clock_settime(CLOCK_REALTIME, &date)));
    saw("no clock: %s", result(clock_gettime(99, &date)));
}
