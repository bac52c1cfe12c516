// Waits for files: poll, select and epoll, with and without time-outs. A line comes after a second.
#include "saw.h"

int main(void) {
    ms();
    struct pollfd in = {.fd = 0, .events = POLLIN};
    int ready = poll(&in, 1, 100);
    saw("poll: %d, %#x at %ld ms", ready, in.revents, ms());
    struct timespec time = after_ms(100);
    ready = ppoll(&in, 1, &time, NULL);
    saw("ppoll: %d at %ld ms", ready, ms());
    fd_set files;
    FD_ZERO(&files);
    FD_SET(0, &files);
    struct timeval tv = {0, 100000};
    ready = select(1, &files, NULL, NULL, &tv);
    saw("select: %d, set %d, %ld us left, at %ld ms", ready, FD_ISSET(0, &files), (long)tv.tv_usec, ms());
    FD_SET(0, &files);
    time = after_ms(100);
    ready = pselect(1, &files, NULL, NULL, &time, NULL);
    saw("pselect: %d at %ld ms", ready, ms());
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 7};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);
    ready = epoll_wait(epoll, &event, 1, 100);
    saw("epoll_wait: %d at %ld ms", ready, ms());
    time = after_ms(100);
    ready = syscall(SYS_epoll_pwait2, epoll, &event, 1, &time, NULL, 8);
    saw("epoll_pwait2: %d at %ld ms", ready, ms());
    ready = poll(&in, 1, 0);
    saw("poll without waiting: %d at %ld ms", ready, ms());

    // Until the line is there.
    ready = epoll_wait(epoll, &event, 1, -1);
    saw("epoll_wait: %d, data %u, at %ld ms", ready, event.data.u32, ms());
    ready = poll(&in, 1, -1);
    saw("poll: %d, %#x", ready, in.revents);
    FD_SET(0, &files);
    tv = (struct timeval){3, 0};
    ready = select(1, &files, NULL, NULL, &tv);
    saw("select: %d, set %d, %ld s left", ready, FD_ISSET(0, &files), (long)tv.tv_sec);
    struct pollfd several[3] = {{.fd = -1, .events = POLLIN}, {.fd = 77, .events = POLLIN}, {.fd = 1, .events = POLLOUT}};
    ready = poll(several, 3, 100);
    saw("poll of no file, a closed one and stdout: %d: %#x, %#x, %#x", ready, several[0].revents, several[1].revents, several[2].revents);
    FD_ZERO(&files);
    FD_SET(77, &files);
    saw("select of a closed file: %s", result(select(78, &files, NULL, NULL, NULL)));
    char line[100];
    long length = read(0, line, sizeof line);
    saw("read: %.*s", (int)length - 1, line);
    fcntl(0, F_SETFL, O_NONBLOCK);
    saw("read without waiting: %s", result(read(0, line, sizeof line)));
    fcntl(0, F_SETFL, 0);
    length = read(0, line, sizeof line);
    saw("read: %.*s at %ld ms", (int)length - 1, line, ms());
}
