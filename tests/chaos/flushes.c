/* What does the disk do with a flush of this process? The file $CHAOS_DISK says it, three numbers of 8 bytes in native
   order: milliseconds that each flush takes longer, whether flushes stand still, whether they fail with EIO. It may
   change at any time. Preloaded into PostgreSQL. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct disk {
    volatile int64_t delay_ms, stalls, fails;
};

static struct disk *disk;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("CHAOS_DISK");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *found = mmap(NULL, sizeof(struct disk), PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) disk = found;
    close(file);
}

static void wait_ms(int64_t ms) {
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) && errno == EINTR) continue;
}

static int flush(long call, int file) {
    if (disk) {
        if (disk->delay_ms) wait_ms(disk->delay_ms);
        while (disk->stalls) wait_ms(5);
        if (disk->fails) {
            errno = EIO;
            return -1;
        }
    }
    return (int)syscall(call, file);
}

int fsync(int file) { return flush(SYS_fsync, file); }

int fdatasync(int file) { return flush(SYS_fdatasync, file); }
