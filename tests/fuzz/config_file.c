/*
 * The configuration file: settings and devices are read, or one line says what is wrong where.
 */
#include "server/config_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "fuzz/fuzz.h"
#include "iothub/connection_string.h"
#include "server/verbs.h"

/* The file of the present run, for the verb. */
static struct slice file_text;
static const char *file_path_now;

static size_t lines_of(struct slice text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.len; i++) {
        n += text.data[i] == '\n' ? 1 : 0;
    }
    return n;
}

/* "PATH:LINE: what" where a place can be told, else anything that is not empty. */
static void check_mistake(struct slice line)
{
    struct slice path = slice_of(file_path_now);
    FUZZ_CHECK(line.len != 0);
    if (!slice_starts_with(line, path)) {
        return;
    }
    struct slice rest = slice_from(line, path.len + 1);
    int64_t number = 0;
    FUZZ_CHECK(slice_to_i64(slice_make(rest.data, slice_find(rest, ':')), &number));
    FUZZ_CHECK(number >= 1 && (size_t)number <= lines_of(file_text));
}

/* What was taken can be used. */
static void check_settings(const struct config *config)
{
    struct connection_string cs = {0};
    struct buf text = fuzz_buf();
    FUZZ_CHECK(config->has_mqtts || config->has_https || config->has_mqtt || config->has_http);
    FUZZ_CHECK(config->policies.n_items != 0);
    FUZZ_CHECK(config_local_address(config) != NULL);
    for (size_t i = 0; i < config->policies.n_items; i++) {
        buf_reset(&text);
        FUZZ_CHECK(config_connection_string(config, config->policies.items[i].name, &text));
        FUZZ_CHECK(
            connection_string_parse(buf_slice(&text), CONNECTION_STRING_SERVICE, NULL, &cs));
        connection_string_finish(&cs);
    }
    buf_finish(&text);
}

static int verb_look(struct cli_call *call)
{
    struct buf error = fuzz_buf();
    if (config_load(call, &error)) {
        FUZZ_CHECK(error.len == 0);
        check_settings(config_of(call));
    } else {
        check_mistake(buf_slice(&error));
    }
    buf_finish(&error);
    return CLI_DONE;
}

static void run_verb(const char *path)
{
    static const struct cli_verb verbs[] = {
        {.name = "look", .arguments = "", .summary = "Look", .run = verb_look},
    };
    const struct cli_program program = {
        .name = "emulator",
        .version = "1",
        .summary = "Test",
        .options = config_options,
        .n_options = config_n_options,
        .verbs = verbs,
        .n_verbs = ARRAY_LEN(verbs),
        .values_size = sizeof(struct verb_values),
        .finish = verbs_finish,
    };
    char name[] = "emulator";
    char verb[] = "look";
    char option[] = "--config";
    char argument[64];
    (void)snprintf(argument, sizeof(argument), "%s", path);
    char *argv[] = {name, verb, option, argument, NULL};
    FUZZ_CHECK(cli_main(&program, 4, argv) == CLI_DONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("hub.json", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0);
    FUZZ_CHECK(write(fd, data, size) == (ssize_t)size);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    file_text = fuzz_input(data, size);
    file_path_now = path;
    run_verb(path);
    (void)close(fd);
    return 0;
}
