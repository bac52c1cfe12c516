// Much output at once, through every way in which a program may write it.
#include "saw.h"
#include <sys/uio.h>

int main(void) {
    static char many[4 << 20];
    memset(many, 'x', sizeof many);
    many[sizeof many - 1] = '\n';
    saw("%ld bytes:", (long)sizeof many);
    if (write(1, many, sizeof many) != sizeof many) return 1;
    struct iovec parts[2] = {{"two ", 4}, {"parts\n", 6}};
    if (writev(1, parts, 2) != 10) return 1;
    // A copy of the descriptor, and stdout itself moved elsewhere and back.
    int copy = dup(1);
    if (write(copy, "a copy\n", 7) != 7) return 1;
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    saw("this is lost");
    dup2(copy, 1);
    saw("this is not");
    dprintf(2, "to stderr\n");
    if (!fork()) {
        saw("from a child process");
        _exit(0);
    }
    wait(NULL);
    char line[100];
    saw("stdin: %ld bytes", (long)read(0, line, sizeof line));
}
