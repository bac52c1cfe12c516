// Processes: their ids, their ends, and programs that they start.
#include "saw.h"
#include <spawn.h>

static void on_child(int signal) { saw("signal %d", signal); }

static void *wait_for_ever(void *unused) {
    (void)unused;
    pause();
    return NULL;
}

static void *run_shell(void *unused) {
    (void)unused;
    execl("/bin/sh", "sh", "-c", "test $$ = $FIRST && echo the shell has the id of the first process", NULL);
    return NULL;
}

int main(void) {
    ms();
    pid_t own = getpid(), parent = getppid();
    saw("the ids are those of the seed: %d, and the group's: %d", own > 4194304, getpgrp() == own && getsid(0) == own);
    saw("the thread's is the process's: %d", gettid() == own);
    pid_t child = fork();
    if (!child) {
        saw("child: id %+d, parent %+d", getpid() - own, getppid() - own);
        sleep_ms(100);
        _exit(7);
    }
    int status;
    saw("fork returned %+d", child - own);
    saw("no end yet: %d", waitpid(child, &status, WNOHANG));
    pid_t ended = waitpid(child, &status, 0);
    saw("waitpid: %+d, status %d, at %ld ms", ended - own, WEXITSTATUS(status), ms());
    saw("again: %s", result(waitpid(child, &status, 0)));

    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
    sigaction(SIGCHLD, &action, NULL);
    child = fork();
    if (!child) {
        pause();
        _exit(0);
    }
    sleep_ms(1);
    kill(child, SIGKILL);
    siginfo_t info;
    waitid(P_PID, child, &info, WEXITED | WNOWAIT);
    saw("waitid: %+d, killed by %d", info.si_pid - own, info.si_status);
    saw("wait: %+d", wait(&status) - own);
    signal(SIGCHLD, SIG_DFL);

    char *arguments[] = {"sh", "-c", "sleep 0.2; exit 3", NULL}, *environment[] = {NULL};
    posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environment);
    waitpid(child, &status, 0);
    saw("a program: status %d at %ld ms", WEXITSTATUS(status), ms());
    saw("a program that does not exist: %s", strerror(posix_spawn(&child, "/nowhere", NULL, NULL, arguments, environment)));
    FILE *out = popen("echo printed; sleep 1", "r");
    char line[100];
    if (!fgets(line, sizeof line, out)) return 1;
    status = pclose(out);
    saw("popen: %.*s, status %d at %ld ms", (int)strlen(line) - 1, line, WEXITSTATUS(status), ms());
    saw("ids still: %d", getpid() == own && getppid() == parent);

    // A thread that is not the first starts a program, which replaces them all.
    char text[20];
    snprintf(text, sizeof text, "%d", own);
    setenv("FIRST", text, 1);
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, wait_for_ever, NULL);
    pthread_create(&threads[1], NULL, run_shell, NULL);
    pthread_join(threads[1], NULL);
}
