/*
 * Files read to their end, stdin among them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/file.h"

/* A file of this many letters; the test removes it. */
static void make_file(char path[64], size_t len)
{
    static const char pattern[] = "/tmp/iothub-file-XXXXXX";
    memcpy(path, pattern, sizeof(pattern));
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    char *text = malloc(len + 1);
    assert_non_null(text);
    memset(text, 'x', len);
    assert_int_equal(write(fd, text, len), len);
    free(text);
    (void)close(fd);
}

static void file_is_appended_whole(void **state)
{
    (void)state;
    char path[64];
    struct buf out;
    make_file(path, 100000);
    buf_init(&out, 100001);
    buf_put_char(&out, '<');
    assert_int_equal(cli_file_read(path, &out), 0);
    assert_int_equal(out.len, 100001);
    assert_int_equal(out.data[0], '<');
    assert_int_equal(out.data[100000], 'x');
    buf_finish(&out);
    (void)unlink(path);
}

static void file_over_the_cap_is_refused(void **state)
{
    (void)state;
    char path[64];
    struct buf out;
    make_file(path, 1001);
    buf_init(&out, 1000);
    assert_int_equal(cli_file_read(path, &out), -EFBIG);
    buf_finish(&out);
    (void)unlink(path);
}

static void what_cannot_be_read_has_its_reason(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(cli_file_read("/tmp/iothub-no-such-file", &out), -ENOENT);
    assert_int_equal(cli_file_read("/tmp", &out), -EISDIR);
    buf_finish(&out);
}

static void a_dash_is_stdin(void **state)
{
    (void)state;
    int ends[2];
    struct buf out;
    int old = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "typed", 5), 5);
    (void)close(ends[1]);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    (void)close(ends[0]);
    buf_init(&out, 1000);
    assert_int_equal(cli_file_read("-", &out), 0);
    assert_string_equal(buf_text(&out), "typed");
    buf_finish(&out);
    (void)dup2(old, STDIN_FILENO);
    (void)close(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_is_appended_whole),
        cmocka_unit_test(file_over_the_cap_is_refused),
        cmocka_unit_test(what_cannot_be_read_has_its_reason),
        cmocka_unit_test(a_dash_is_stdin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
