// Waits for child processes: by process group, by file, without a report, and ignored ones.
#include "saw.h"
#include <linux/wait.h>

static pid_t child(long time, int status) {
    pid_t it = fork();
    if (it) return it;
    sleep_ms(time);
    _exit(status);
}

static void *wait_for_ever(void *unused) {
    pause();
    return unused;
}

int main(void) {
    ms();
    int status;
    siginfo_t info;
    pid_t first = child(10, 0), second = child(200, 7);
    saw("waitid without a report: %d", waitid(P_PID, first, NULL, WEXITED));
    saw("at %ld ms", ms());
    saw("not ended yet: %d", waitpid(second, &status, WNOHANG));
    saw("the second: %d", wait(&status) == second);
    saw("at %ld ms", ms());
    saw("its status: %d", WEXITSTATUS(status));
    saw("no more: %s", result(wait(NULL)));

    // A session of its own is killed as a group.
    pid_t leader = fork();
    if (!leader) {
        setsid();
        child(5000, 0);
        wait(NULL);
        _exit(0);
    }
    sleep_ms(10);
    saw("its group is its own: %d", getpgid(leader) == leader && getpgrp() != leader);
    saw("kill the group: %s", result(killpg(leader, SIGTERM)));
    saw("received by group: %d", waitpid(-leader, &status, 0) == leader);
    saw("ended by signal %d", WTERMSIG(status));

    int file = syscall(SYS_pidfd_open, first = child(50, 3), 0);
    saw("by its file: %d", waitid(P_PIDFD, file, &info, WEXITED));
    saw("status %d of the child: %d", info.si_status, info.si_pid == first);
    file = syscall(SYS_pidfd_open, first = child(5000, 0), 0);
    saw("a signal by the file: %s", result(syscall(SYS_pidfd_send_signal, file, SIGKILL, NULL, 0)));
    saw("ended by signal %d", waitpid(first, &status, 0) == first ? WTERMSIG(status) : 0);

    // SIGKILL ends all threads of a process.
    if (!(first = fork())) {
        pthread_t threads[3];
        for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, wait_for_ever, NULL);
        pause();
    }
    sleep_ms(10);
    kill(first, SIGKILL);
    saw("ended by signal %d", waitpid(first, &status, 0) == first ? WTERMSIG(status) : 0);

    // A parent that ignores the ends of its children learns only that there are no more.
    signal(SIGCHLD, SIG_IGN);
    child(50, 0);
    child(100, 0);
    saw("ignored: %s", result(wait(NULL)));
    saw("at %ld ms", ms());
}
