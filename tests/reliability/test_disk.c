/*
 * No room for the hub's data: it stops with one line, nothing it has acknowledged is lost, and
 * with room it starts again.
 *
 * A disk is a small tmpfs in a mount namespace of the test's own, or a limit on the size of
 * files.  Without the right to mount the tests of the first kind cannot run: ctest is told so.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "reliability/load.h"
#include "reliability/load_check.h"

enum {
    DEVICES = 4,
    WORK_MS = 100,
    DISK_BYTES = 24 * 1024 * 1024,
    BLOCK_BYTES = 4096,
    SKIPPED = 77, /* ctest's SKIP_RETURN_CODE */
    FULL_DISKS = 6,
    FREE_MIN_KIB = 1,
    FREE_SPREAD_KIB = 9000,
};

/* ---- a disk ---- */

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    if (file != NULL) {
        (void)fputs(text, file);
        (void)fclose(file);
    }
}

/* false: no mounts for this user; errno says why. */
static bool enter_namespace(void)
{
    char map[64];
    uid_t user = geteuid();
    gid_t group = getegid();
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
            return false;
        }
        write_text("/proc/self/setgroups", "deny");
        snprintf(map, sizeof(map), "0 %u 1", user);
        write_text("/proc/self/uid_map", map);
        snprintf(map, sizeof(map), "0 %u 1", group);
        write_text("/proc/self/gid_map", map);
    }
    /* What is mounted here is not to be seen outside; and a mount that works is the proof. */
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", "/mnt", "tmpfs", 0, "size=1m") == 0 && umount("/mnt") == 0;
}

static void open_disk(const struct emulator *e)
{
    char options[32];
    snprintf(options, sizeof(options), "size=%d", DISK_BYTES);
    assert_int_equal(mkdir(e->data_dir, 0700), 0);
    assert_int_equal(mount("none", e->data_dir, "tmpfs", 0, options), 0);
}

static void close_disk(const struct emulator *e)
{
    assert_int_equal(umount2(e->data_dir, MNT_DETACH), 0);
}

static void ballast_path(const struct emulator *e, char out[SCENE_PATH_SIZE])
{
    int len = snprintf(out, SCENE_PATH_SIZE, "%s/ballast", e->data_dir);
    assert_in_range(len, 1, SCENE_PATH_SIZE - 1);
}

/* Leave this much free, or less: the emulator goes on writing meanwhile. */
static void fill_disk(const struct emulator *e, size_t free_bytes)
{
    char path[SCENE_PATH_SIZE];
    struct statvfs disk;
    off_t len = 0;
    int result = ENOSPC;
    ballast_path(e, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    while (result == ENOSPC) {
        assert_int_equal(statvfs(e->data_dir, &disk), 0);
        size_t there = disk.f_bavail * disk.f_bsize;
        off_t more = there > free_bytes ? (off_t)(there - free_bytes) : 0;
        result = more == 0 ? 0 : posix_fallocate(fd, len, more);
        len += result == 0 ? more : 0;
    }
    assert_int_equal(result, 0);
    assert_int_equal(close(fd), 0);
}

static void free_disk(const struct emulator *e)
{
    char path[SCENE_PATH_SIZE];
    ballast_path(e, path);
    assert_int_equal(unlink(path), 0);
}

/* ---- the hub on it ---- */

static struct load *begin(struct emulator *e)
{
    struct load *load = mem_alloc(sizeof(*load));
    emulator_start(e, TEXTS("--log-level", "error"));
    load_init(load, e, chance_begin(), DEVICES);
    load_connect(load);
    load_run(load, scene_now_ms() + WORK_MS);
    return load;
}

static void expect_one_line(struct process *process, const char *text)
{
    process_end_with(process, 1);
    assert_int_equal(process_n_lines(process, PROCESS_ERR), 1);
    if (!process_says(process, PROCESS_ERR, text)) {
        fail_msg("not \"%s\", but: %s", text, process_text(process, PROCESS_ERR));
    }
}

static void expect_stop(struct load *load)
{
    load_run_to_end(load);
    expect_one_line(load->e->process, "the hub's data cannot be stored, so it stops: ");
}

static void expect_all_there(struct load *load)
{
    emulator_start(load->e, TEXTS("--log-level", "error"));
    load_check_hub(load);
}

static void end(struct load *load)
{
    emulator_stop(load->e);
    load_finish(load);
    free(load);
}

/* ---- limits on the size of files ---- */

static void limit_files(const struct process *process, rlim_t bytes)
{
    struct rlimit limit = {bytes, RLIM_INFINITY};
    assert_int_equal(prlimit(process->pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

static void size_limit_in_mid_run_stops_it_and_loses_nothing(void **state)
{
    struct emulator e;
    struct stat log;
    char path[SCENE_PATH_SIZE];
    emulator_init(&e, *state);
    struct load *load = begin(&e);
    scene_path(e.scene, "data/hub.db-wal", path);
    assert_int_equal(stat(path, &log), 0);
    limit_files(e.process, (rlim_t)log.st_size + BLOCK_BYTES);
    expect_stop(load);
    load_check_file(load);
    expect_all_there(load);
    end(load);
}

/* ---- disks ---- */

static void disk_that_fills_up_stops_it_and_loses_nothing(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    open_disk(&e);
    struct load *load = begin(&e);
    for (int i = 0; i < FULL_DISKS; i++) {
        /* Small amounts end the log's growth, large ones a checkpoint into the database. */
        int free_kib = FREE_MIN_KIB + chance_below(&load->chance, FREE_SPREAD_KIB >> i);
        print_message("%d KiB free\n", free_kib);
        fill_disk(&e, (size_t)free_kib * 1024);
        expect_stop(load);
        free_disk(&e);
        load_check_file(load);
        expect_all_there(load);
        load_open_callers(load);
    }
    end(load);
    close_disk(&e);
}

/* Reading may take no room; then the first write is the end. */
static bool starts(struct emulator *e)
{
    int64_t until_ms = scene_now_ms() + SCENE_DEADLINE_MS;
    struct process *process = emulator_try(e, TEXTS("--log-level", "error"));
    while (process->output[PROCESS_OUT] >= 0) {
        if (process_says(process, PROCESS_OUT, "\n  service  ")) {
            process_kill(process);
            return true;
        }
        assert_true(scene_turn(e->scene, until_ms));
    }
    expect_one_line(process, "database or disk is full");
    return false;
}

static void hub_on_a_full_disk_stops_at_the_start_or_with_its_first_write(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    open_disk(&e);
    struct load *load = begin(&e);
    process_kill(e.process);
    load_hear_out(load);
    fill_disk(&e, 0);
    if (starts(&e)) {
        emulator_start(&e, TEXTS("--log-level", "error"));
        load_open_callers(load);
        expect_stop(load);
    }
    free_disk(&e);
    load_check_file(load);
    expect_all_there(load);
    end(load);
    close_disk(&e);
}

static void new_hub_on_a_full_disk_says_so(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    open_disk(&e);
    fill_disk(&e, 0);
    struct process *process = emulator_try(&e, TEXTS("--log-level", "error"));
    process_end_with(process, 1);
    assert_int_equal(process_n_lines(process, PROCESS_ERR), 1);
    free_disk(&e);
    emulator_start(&e, TEXTS("--log-level", "error"));
    emulator_stop(&e);
    close_disk(&e);
}

static void unwritable_data_is_told_at_the_start_and_harms_nothing(void **state)
{
    struct emulator e;
    emulator_init(&e, *state);
    open_disk(&e);
    struct load *load = begin(&e);
    process_kill(e.process);
    load_hear_out(load);
    assert_int_equal(mount("none", e.data_dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    struct process *process = emulator_try(&e, TEXTS("--log-level", "error"));
    process_end_with(process, 1);
    assert_int_equal(process_n_lines(process, PROCESS_ERR), 1);
    assert_true(process_says(process, PROCESS_ERR, "it cannot be written"));
    assert_int_equal(mount("none", e.data_dir, NULL, MS_REMOUNT, NULL), 0);
    load_check_file(load);
    expect_all_there(load);
    end(load);
    close_disk(&e);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest limits[] = {
        SCENE_TEST(size_limit_in_mid_run_stops_it_and_loses_nothing),
    };
    const struct CMUnitTest disks[] = {
        SCENE_TEST(disk_that_fills_up_stops_it_and_loses_nothing),
        SCENE_TEST(hub_on_a_full_disk_stops_at_the_start_or_with_its_first_write),
        SCENE_TEST(new_hub_on_a_full_disk_says_so),
        SCENE_TEST(unwritable_data_is_told_at_the_start_and_harms_nothing),
    };
    if (argc > 1 && strcmp(argv[1], "limits") == 0) {
        return cmocka_run_group_tests(limits, NULL, NULL);
    }
    if (!enter_namespace()) {
        print_error("SKIPPED: this user may not mount a small disk, not even in a namespace of "
                    "its own: %s\n",
                    strerror(errno));
        return SKIPPED;
    }
    return cmocka_run_group_tests(disks, NULL, NULL);
}
