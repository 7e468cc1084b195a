/*
 * Files that are replaced in one step, the data directory, and the ready file.
 */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/data_dir.h"
#include "server/file.h"
#include "server/ready_file.h"

static char *folder;
static char *path;
static struct buf error;

static int setup(void **state)
{
    (void)state;
    folder = support_make_folder();
    path = support_path(folder, "file");
    buf_init(&error, BUF_CAP_OWN);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_finish(&error);
    free(path);
    support_remove_folder(folder);
    return 0;
}

static mode_t mode_of(const char *name)
{
    struct stat status;
    assert_int_equal(stat(name, &status), 0);
    return status.st_mode & 07777;
}

/* Entries of the folder, without the two that every folder has. */
static int count_entries(const char *name)
{
    int n_entries = 0;
    DIR *dir = opendir(name);
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        n_entries++;
    }
    closedir(dir);
    return n_entries - 2;
}

/* ---- files ---- */

static void file_is_replaced_while_a_reader_keeps_the_old_one(void **state)
{
    (void)state;
    char old[4] = "";
    assert_int_equal(file_replace(path, 0644, SLICE("old")), 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(file_replace(path, 0600, SLICE("the new one")), 0);
    assert_int_equal(read(fd, old, 3), 3);
    close(fd);
    assert_string_equal(old, "old");
    char *text = support_read(path);
    assert_string_equal(text, "the new one");
    free(text);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(count_entries(folder), 1);
}

static void mode_does_not_depend_on_the_umask(void **state)
{
    (void)state;
    mode_t old = umask(0077);
    assert_int_equal(file_replace(path, 0644, SLICE("x")), 0);
    umask(old);
    assert_int_equal(mode_of(path), 0644);
}

static void failed_replacement_leaves_nothing_behind(void **state)
{
    (void)state;
    char *below = support_path(path, "below");
    assert_int_equal(file_replace(below, 0600, SLICE("x")), -ENOENT);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(mkdir(below, 0700), 0);
    assert_int_equal(file_replace(path, 0600, SLICE("x")), -EISDIR);
    assert_int_equal(count_entries(folder), 1);
    free(below);
}

static void file_over_the_cap_is_refused(void **state)
{
    (void)state;
    struct buf text;
    assert_int_equal(file_replace(path, 0600, SLICE("12345")), 0);
    buf_init(&text, 4);
    assert_int_equal(file_read(path, &text), -EFBIG);
    buf_finish(&text);
    buf_init(&text, 5);
    assert_int_equal(file_read(path, &text), 0);
    assert_string_equal(buf_text(&text), "12345");
    buf_finish(&text);
    assert_int_equal(file_read("/nowhere/file", &text), -ENOENT);
}

/* ---- the data directory ---- */

static void data_directory_is_made_with_its_parents(void **state)
{
    (void)state;
    char *deep = support_path(folder, "a/b//c/");
    char *first = support_path(folder, "a");
    mode_t old = umask(0);
    assert_true(data_dir_prepare(deep, &error));
    umask(old);
    assert_int_equal(mode_of(deep), 0700);
    assert_int_equal(mode_of(first), 0700);
    assert_true(data_dir_prepare(deep, &error));
    assert_int_equal(chmod(deep, 0755), 0);
    assert_true(data_dir_prepare(deep, &error));
    assert_int_equal(mode_of(deep), 0755);
    assert_int_equal(error.len, 0);
    free(deep);
    free(first);
}

static void file_as_data_directory_is_told(void **state)
{
    (void)state;
    struct buf expected;
    buf_init(&expected, BUF_CAP_OWN);
    support_write(path, "");
    buf_putf(&expected,
             "data directory %s: it is not a folder; choose another one with "
             "--data-dir",
             path);
    assert_false(data_dir_prepare(path, &error));
    assert_string_equal(buf_text(&error), buf_text(&expected));
    buf_reset(&error);
    assert_false(data_dir_prepare("", &error));
    assert_string_equal(buf_text(&error), "data directory : No such file or directory; choose "
                                          "another one with --data-dir");
    buf_finish(&expected);
}

static void data_directory_that_cannot_be_made_is_told(void **state)
{
    (void)state;
    /* Nobody can make folders there, not even root. */
    assert_false(data_dir_prepare("/proc/iothub-emulator/data", &error));
    assert_non_null(strstr(buf_text(&error), "data directory /proc/iothub-emulator/data: "));
    assert_non_null(strstr(buf_text(&error), "choose another one with --data-dir"));
}

/* ---- the ready file ---- */

static const struct ready full = {
    .host_name = (char *)(uintptr_t) "hub.example.test",
    .mqtt_port = 1883,
    .mqtts_port = 8883,
    .http_port = 0,
    .https_port = 443,
    .ca_file = (char *)(uintptr_t) "/a \"b\"/ca.pem",
    .connection_string =
        (char *)(uintptr_t) "HostName=x;SharedAccessKeyName=y;SharedAccessKey=eg==",
    .pid = 4711,
};

static void ready_file_has_exactly_its_members(void **state)
{
    (void)state;
    assert_true(ready_file_write(path, &full, &error));
    char *text = support_read(path);
    assert_string_equal(text, "{\n"
                              "  \"hostName\": \"hub.example.test\",\n"
                              "  \"mqttPort\": 1883,\n"
                              "  \"mqttsPort\": 8883,\n"
                              "  \"httpPort\": null,\n"
                              "  \"httpsPort\": 443,\n"
                              "  \"caFile\": \"/a \\\"b\\\"/ca.pem\",\n"
                              "  \"connectionString\": "
                              "\"HostName=x;SharedAccessKeyName=y;SharedAccessKey=eg==\",\n"
                              "  \"pid\": 4711\n"
                              "}\n");
    free(text);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(count_entries(folder), 1);
}

static void ready_file_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct ready ready = {0};
    assert_true(ready_file_write(path, &full, &error));
    assert_int_equal(ready_file_read(path, &error, &ready), READY_FOUND);
    assert_string_equal(ready.host_name, full.host_name);
    assert_int_equal(ready.mqtt_port, 1883);
    assert_int_equal(ready.mqtts_port, 8883);
    assert_int_equal(ready.http_port, 0);
    assert_int_equal(ready.https_port, 443);
    assert_string_equal(ready.ca_file, full.ca_file);
    assert_string_equal(ready.connection_string, full.connection_string);
    assert_int_equal(ready.pid, 4711);
    ready_finish(&ready);
}

static void other_files_are_no_ready_files(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"hostName\": \"x\"}",
        "{\"hostName\": \"x\", \"mqttPort\": 70000, \"mqttsPort\": 1, \"httpPort\": 1, "
        "\"httpsPort\": 1, \"caFile\": null, \"connectionString\": \"x\", \"pid\": 1}",
        "{\"hostName\": 1, \"mqttPort\": 1, \"mqttsPort\": 1, \"httpPort\": 1, "
        "\"httpsPort\": 1, \"caFile\": null, \"connectionString\": \"x\", \"pid\": 1}",
    };
    struct ready ready = {0};
    struct buf expected;
    buf_init(&expected, BUF_CAP_OWN);
    buf_putf(&expected, "ready file %s: it is not a ready file of this program", path);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        support_write(path, texts[i]);
        buf_reset(&error);
        assert_int_equal(ready_file_read(path, &error, &ready), READY_BAD);
        assert_string_equal(buf_text(&error), buf_text(&expected));
    }
    buf_finish(&expected);
}

static void missing_ready_file_is_no_error(void **state)
{
    (void)state;
    struct ready ready = {0};
    assert_int_equal(ready_file_read(path, &error, &ready), READY_MISSING);
    assert_int_equal(error.len, 0);
}

static void ready_file_of_another_process_stays(void **state)
{
    (void)state;
    assert_true(ready_file_write(path, &full, &error));
    ready_file_remove(path, 4712);
    assert_int_equal(access(path, F_OK), 0);
    ready_file_remove(path, 4711);
    assert_int_not_equal(access(path, F_OK), 0);
    ready_file_remove(path, 4711);
    support_write(path, "something else");
    ready_file_remove(path, 4711);
    assert_int_equal(access(path, F_OK), 0);
    ready_file_remove(path, 0);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void ready_file_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    assert_false(ready_file_write("/nowhere/ready.json", &full, &error));
    assert_string_equal(buf_text(&error),
                        "ready file /nowhere/ready.json: No such file or directory");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(file_is_replaced_while_a_reader_keeps_the_old_one),
        TEST(mode_does_not_depend_on_the_umask),
        TEST(failed_replacement_leaves_nothing_behind),
        TEST(file_over_the_cap_is_refused),
        TEST(data_directory_is_made_with_its_parents),
        TEST(file_as_data_directory_is_told),
        TEST(data_directory_that_cannot_be_made_is_told),
        TEST(ready_file_has_exactly_its_members),
        TEST(ready_file_is_read_as_it_was_written),
        TEST(other_files_are_no_ready_files),
        TEST(missing_ready_file_is_no_error),
        TEST(ready_file_of_another_process_stays),
        TEST(ready_file_that_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
