// The look for a daemon that caches names fails quietly; any other connection is reported.
#include "saw.h"

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int file = socket(AF_UNIX, SOCK_STREAM, 0);
    return connect(file, (struct sockaddr *)&address, sizeof address);
}

int main(void) {
    saw("the daemon: %s", result(connect_to("/var/run/nscd/socket")));
    saw("another: %s", result(connect_to("/nowhere")));
}
