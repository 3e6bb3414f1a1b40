/* Preloaded into a daemon: while the file named by SLOW_DISK exists, each fsync takes two seconds;
   while the file named by READ_ONLY_DISK exists, SQLite's writes are refused. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static int is_there(const char *variable)
{
    const char *name = getenv(variable);
    return name && access(name, F_OK) == 0;
}

static void wait_for_disk(void)
{
    if (is_there("SLOW_DISK"))
        usleep(2000000);
}

int fsync(int fd)
{
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_for_disk();
    return next(fd);
}

int fdatasync(int fd)
{
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_for_disk();
    return next(fd);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    ssize_t (*next)(int, const void *, size_t, off64_t) =
        (ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    if (is_there("READ_ONLY_DISK")) {
        errno = EROFS;
        return -1;
    }
    return next(fd, data, size, offset);
}
