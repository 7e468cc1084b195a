/*
 * A target without libFuzzer: its function is called with each file of the folders that are
 * named.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fuzz/fuzz.h"

/* More than any input that is worth keeping. */
#define FILE_MAX ((size_t)1024 * 1024)

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    /* The last one that is named is the one that failed. */
    (void)printf("%s\n", path);
    (void)fflush(stdout);
    char *bytes = mem_alloc(FILE_MAX);
    size_t size = fread(bytes, 1, FILE_MAX, file);
    bool is_read = feof(file) != 0;
    (void)fclose(file);
    if (is_read) {
        struct slice copy = fuzz_copy(slice_make(bytes, size));
        (void)LLVMFuzzerTestOneInput((const uint8_t *)copy.data, copy.len);
        fuzz_free(copy);
    }
    free(bytes);
    return is_read;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In the order of names, so that each run does the same. */
static bool replay_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, is_visible, alphasort);
    bool is_good = n > 0;
    for (int i = 0; i < n; i++) {
        struct buf path = {.cap = BUF_CAP_OWN};
        buf_putf(&path, "%s/%s", folder, entries[i]->d_name);
        is_good = replay_file(buf_text(&path)) && is_good;
        buf_finish(&path);
        free(entries[i]);
    }
    free(entries);
    if (n <= 0) {
        (void)fprintf(stderr, "%s: there is no corpus\n", folder);
    }
    return is_good;
}

int main(int argc, char **argv)
{
    bool is_good = argc > 1;
    for (int i = 1; i < argc; i++) {
        is_good = replay_folder(argv[i]) && is_good;
    }
    return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
